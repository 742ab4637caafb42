import { useEffect, useState } from 'react';
import { asApiError, type ApiError } from '../core/errors';
import { MOST_POINTS, withPoints, type SeriesByName } from '../core/series';
import { useApi, useFollowFindings } from './contexts';

const RETRY_MS = 3000;

export interface Followed {
  /** null until they were read for the first time. */
  readonly series: SeriesByName | null;
  readonly error: ApiError | null;
}

/** The series of a job: read once as they are, then what comes whenever the server says that they have grown. */
export function useSeries(jobId: string): Followed {
  const api = useApi();
  const follow = useFollowFindings();
  const [followed, setFollowed] = useState<Followed>({ series: null, error: null });

  useEffect(() => {
    let gone = false;
    let asked = 0;
    let answered = 0;
    let reading = false;
    let after = 0;
    let retry: ReturnType<typeof setTimeout> | undefined;
    let series: SeriesByName = new Map();
    const readOn = async (): Promise<void> => {
      while (answered < asked) {
        answered = asked;
        const news = await api.jobMetrics(jobId, after, MOST_POINTS);
        after = news.next_after;
        series = withPoints(series, news.points);
        if (!gone) {
          setFollowed({ series, error: null });
        }
      }
    };
    const read = (): void => {
      asked += 1;
      if (reading) {
        return;
      }
      reading = true;
      readOn()
        .catch((thrown: unknown) => {
          if (!gone) {
            setFollowed({ series: series.size > 0 ? series : null, error: asApiError(thrown) });
            retry = setTimeout(read, RETRY_MS); // the server has told of it and will not again
          }
        })
        .finally(() => {
          reading = false;
        });
    };
    const leave = follow(jobId, read);
    read();
    return () => {
      gone = true;
      clearTimeout(retry);
      leave();
    };
  }, [api, follow, jobId]);
  return followed;
}
