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

/** What a job finds as it goes, and what the button that shows it is called. */
export interface Findings {
  View: ComponentType<{ job: Job }>;
  show: string;
  hide: string;
}

/** What a job of this kind has to show beside its log; null where that is nothing. */
export function findingsOf({ kind, title }: Job, trans: Translation): Findings | null {
  switch (kind) {
    case 'finetune':
    case 'trial':
    case 'distil':
    case 'prune':
      return {
        View: JobCurves,
        show: trans.__('Show the curves of %1', title),
        hide: trans.__('Hide the curves of %1', title)
      };
    case 'sweep':
      return {
        View: SweepTrials,
        show: trans.__('Show the trials of %1', title),
        hide: trans.__('Hide the trials of %1', title)
      };
    case 'optimize':
      return {
        View: OptimizationResult,
        show: trans.__('Show what %1 found', title),
        hide: trans.__('Hide what %1 found', title)
      };
    case 'profile':
      return {
        View: ProfileResult,
        show: trans.__('Show what %1 found', title),
        hide: trans.__('Hide what %1 found', title)
      };
    case 'load':
      return {
        View: LoadResult,
        show: trans.__('Show what %1 found', title),
        hide: trans.__('Hide what %1 found', title)
      };
    case 'service-report':
      return {
        View: ServiceReportResult,
        show: trans.__('Show what %1 found', title),
        hide: trans.__('Hide what %1 found', title)
      };
    case 'compare':
      return {
        View: ComparisonResult,
        show: trans.__('Show what %1 found', title),
        hide: trans.__('Hide what %1 found', title)
      };
    default:
      return null;
  }
}
