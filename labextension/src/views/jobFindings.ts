import type { ComponentType } from 'react';
import type { Translation } from '../core/translation';
import type { Job } from '../core/types';
import { ComparisonResult } from './ComparisonResult';
import { JobCurves } from './JobCurves';
import { LoadResult } from './LoadResult';
import { OptimizationResult } from './OptimizationResult';
import { ProfileResult } from './ProfileResult';
import { ServiceReportResult } from './ServiceReportResult';
import { SweepTrials } from './SweepTrials';

type View = ComponentType<{ job: Job }>;

/** What a job finds as it goes, and what the button that shows it is called. */
export interface Findings {
  View: View;
  show: string;
  hide: string;
  /** The view shows the job's result, which need not be told beside it. */
  isResult: boolean;
}

const CURVED = ['finetune', 'trial', 'distil', 'prune'];
const RESULTS: ReadonlyMap<string, View> = new Map<string, View>([
  ['optimize', OptimizationResult],
  ['profile', ProfileResult],
  ['load', LoadResult],
  ['service-report', ServiceReportResult],
  ['compare', ComparisonResult],
  ['compare-offline', ComparisonResult],
  ['experiment', ComparisonResult]
]);

/** What a job of this kind has to show beside its log; null where that is nothing. */
export function findingsOf({ kind, title }: Job, trans: Translation): Findings | null {
  if (CURVED.includes(kind)) {
    return {
      View: JobCurves,
      show: trans.__('Show the curves of %1', title),
      hide: trans.__('Hide the curves of %1', title),
      isResult: false
    };
  }
  if (kind === 'sweep') {
    return {
      View: SweepTrials,
      show: trans.__('Show the trials of %1', title),
      hide: trans.__('Hide the trials of %1', title),
      isResult: false
    };
  }
  const View = RESULTS.get(kind);
  return View
    ? {
        View,
        show: trans.__('Show what %1 found', title),
        hide: trans.__('Hide what %1 found', title),
        isResult: true
      }
    : null;
}
