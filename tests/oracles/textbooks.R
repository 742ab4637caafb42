# What R and its survey package say of the units of experiments.py, and of counts that textbooks print:
#
#     Rscript tests/oracles/textbooks.R > tests/oracles/textbooks.json      (Debian: r-base-core r-cran-survey)

suppressMessages(library(survey))

units <- function(count, factor) {
  place <- 0:(count - 1)
  before <- 3 + (place * 37) %% 101 / 20
  data.frame(value = factor * (before + (place * 53) %% 97 / 30), rows = 1 + (place * 7) %% 5)
}
base <- units(400, 1.0)
candidate <- units(360, 1.08)

number <- function(value) sprintf("%.15g", value)
entry <- function(name, values) {
  sprintf('    "%s": [%s]', name, paste(vapply(values, number, ""), collapse = ", "))
}
ratio <- function(data) {
  found <- svyratio(~value, ~rows, svydesign(ids = ~1, weights = ~1, data = data))
  c(coef(found), SE(found))
}

welch <- t.test(candidate$value, base$value)
shares <- prop.test(c(141, 130), c(360, 400), correct = FALSE)
answers <- c(
  entry("welch: low, high, p", c(welch$conf.int, welch$p.value)),
  entry("ratio of the base: value, standard error", ratio(base)),
  entry("ratio of the candidate: value, standard error", ratio(candidate)),
  entry("proportions without pooling: low, high", shares$conf.int),
  entry("split of Kohavi, Tang and Xu: p", chisq.test(c(821588, 815482))$p.value),
  entry("split of 80 to 20: p", chisq.test(c(8100, 1900), p = c(0.8, 0.2))$p.value),
  entry("units of each version for 0.05 of a deviation: n", power.t.test(delta = 0.05, sd = 1, power = 0.8)$n)
)
cat(sprintf('{\n  "R": "%s",\n  "survey": "%s",\n  "answers": {\n%s\n  }\n}\n',
            getRversion(), packageVersion("survey"), paste(answers, collapse = ",\n")))
