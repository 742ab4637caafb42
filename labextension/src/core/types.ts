import type { components } from './openapi';
import type { OptionValue } from './optionFields';

/** The records as the server sends them: times are ISO 8601 in UTC, sizes are bytes, shares are 0 to 1. */
type Schemas = components['schemas'];

export type Model = Schemas['ModelSummary'];
export type Version = Schemas['VersionSummary'];
/** A version with the text of its model card. */
export type VersionPage = Schemas['VersionPage'];
/** How good a fine-tuned version is on held-out rows. */
export type EvaluationReport = Schemas['EvaluationReport'];
export type Interval = Schemas['Interval'];
export type Confusion = Schemas['Confusion'];
export type Calibration = Schemas['Calibration'];
export type Verdict = Schemas['Verdict'];
/** An alias with its history, its rule and the requests to move it. */
export type AliasPage = Schemas['AliasPage'];
export type AliasList = Schemas['AliasList'];
export type CheckList = Schemas['CheckList'];
export type AliasMove = Schemas['AliasMove'];
export type ApprovalRule = Schemas['ApprovalRule'];
/** Somebody's wish to move an alias, which a second person decides on. */
export type MoveRequest = Schemas['MoveRequest'];
/** What a promotion or a rollback came to. */
export type Moved = Schemas['Moved'];
/** One thing that a rule asks for, and whether it holds. */
export type Check = Schemas['Check'];
export type PromoteRequest = Pick<Schemas['PromoteVersion'], 'version'> &
  Partial<Schemas['PromoteVersion']>;
/** What changes from one version to another. */
export type VersionDiff = Schemas['VersionDiff'];
/** What to fetch; what is left out is as the server's description says. */
export type FetchRequest = Pick<Schemas['Fetch'], 'source'> & Partial<Schemas['Fetch']>;
/** What to add as a dataset; what is left out is as the server's description says. */
export type AddDatasetRequest = Pick<Schemas['AddDataset'], 'source'> &
  Partial<Schemas['AddDataset']>;
/** What to fine-tune on what; options that are left out are as the server's description says. */
export type FinetuneRequest = Pick<Schemas['Finetune'], 'base' | 'dataset' | 'name' | 'reuse'> & {
  options: Record<string, OptionValue>;
};
/** What to search a better form of; what is left out is as the server's description says. */
export type OptimizeRequest = Pick<Schemas['Optimize'], 'version'> & Partial<Schemas['Optimize']>;
/** What to convert, and what to quantize; what is left out is as the server's description says. */
export type ConvertRequest = Pick<Schemas['Convert'], 'version'> & Partial<Schemas['Convert']>;
export type QuantizeRequest = Pick<Schemas['Quantize'], 'version'> & {
  dataset: string | null;
  options: Record<string, OptionValue>;
};
/** The schemas of what forms ask for. */
export type Form =
  | 'AddDataset'
  | 'Convert'
  | 'FinetuneOptions'
  | 'Optimize'
  | 'PlanExperiment'
  | 'QuantizeOptions'
  | 'RunExperiment';
/** An operation that can be written as code. */
export type Writable =
  'convert_model' | 'finetune_model' | 'optimize_model' | 'quantize_model' | 'run_experiment';
export type Code = Schemas['Code'];
/** What a search for a better form leaves as its job's result, while it runs too. */
export type Optimization = Schemas['Optimization'];
export type Candidate = Schemas['Candidate'];
/** What there is to choose before a fine-tuning on a dataset. */
export type FinetuneChoices = Schemas['FinetuneChoices'];
export type Framework = NonNullable<Schemas['Fetch']['framework']>;
export type FoundModel = Schemas['FoundModel'];
export type Dataset = Schemas['Dataset'];
export type Device = Schemas['Device'];
export type DeviceProcess = Schemas['DeviceProcess'];
export type Job = Schemas['Job'];
export type JobState = Schemas['JobState'];
/** What a sweep leaves as its job's result, while it runs too. */
export type SweepResult = Schemas['SweepResult'];
export type Trial = Schemas['Trial'];
export type Progress = Schemas['Progress'];
export type LogChunk = Schemas['JobLog'];
export type MetricPoint = Schemas['MetricPoint'];
/** Points of a job's series, and the number to ask after for those that come later. */
export type MetricPage = Schemas['JobMetrics'];
/** What a model in training answered to a held-out row. */
export type Sample = Schemas['Sample'];
export type Loader = Schemas['Loader'];
export type TrainingCode = Schemas['TrainingCode'];
/** What a profile leaves, and a comparison, in their jobs' results. */
export type Profile = Schemas['Profile'];
export type Operator = Schemas['Operator'];
export type OperatorRun = Schemas['OperatorRun'];
export type Span = Schemas['Span'];
/** What a load leaves in its job's result. */
export type LoadReport = Schemas['LoadReport'];
export type LoadStep = Schemas['LoadStep'];
/** What the whole report of a service leaves in its job's result. */
export type ServiceReport = Schemas['ServiceReport'];
export type Advice = Schemas['Advice'];
/** Two versions on the same traffic or the same rows, and what may be said of them. */
export type Experiment = Schemas['Experiment'];
/** What to try on a service's traffic, and how; what is left out is as the server's description says. */
export type ExperimentRequest = Pick<Schemas['RunExperiment'], 'name' | 'candidate'> &
  Partial<Schemas['RunExperiment']>;
/** What an experiment would have done in recorded traffic. */
export type Rehearsal = Schemas['Rehearsal'];
export type RehearseRequest = Pick<Schemas['RehearseExperiment'], 'traffic'> &
  Partial<Schemas['RehearseExperiment']>;
export type ExperimentAction = Schemas['ActOnExperiment']['action'];
/** What an experiment found, to be read without this software. */
export type ExperimentReport = Schemas['ExperimentReport'];
export type GraphView = Schemas['GraphView'];
export type ExperimentPlan = Schemas['ExperimentPlan'];
/** One metric of the candidate against the base. */
export type MetricComparison = Schemas['MetricComparison'];
export type GuardrailState = Schemas['GuardrailState'];
/** Something that was done to the traffic of an experiment. */
export type Decision = Schemas['Decision'];
/** How fast a version was when it was measured last, of a kind. */
export type Measurement = Schemas['Measurement'];
export type Service = Schemas['Service'];
/** Fields of a service's spec that are to change. */
export type SpecChange = Partial<Service['spec']>;
/** How a service answers now. */
export type ServiceFigures = Schemas['ServiceFigures'];
export type ServiceState = Schemas['ServiceState'];
/** Fields of a served model that say who gets which version. */
export type Routing = Pick<ServedModel, 'rules' | 'namespace' | 'shadow'>;
export type RoutingRule = Schemas['RoutingRule-Output'];
export type RuleCondition = Schemas['Condition-Output'];
/** Who gets which version, and why. */
export type RoutingPreview = Schemas['RoutingPreview'];
/** How the versions that get copies answered them. */
export type ShadowFigures = Schemas['ShadowFigures'];
export type PreviewRequest = Pick<Schemas['PreviewRouting'], 'name'> &
  Partial<Schemas['PreviewRouting']>;
export type ServedModel = Schemas['ServedModel-Output'];
/** How one model of a running service is called. */
export type Usage = Schemas['Usage'];
export type Answer = Schemas['Prediction'];
export type Change = Schemas['Change'];
export type Changes = Schemas['ChangeList'];
export type Texts = Schemas['Texts']['texts'];

export type MeasurementList = Schemas['MeasurementList'];
export type UsageList = Schemas['UsageList'];
export type ServiceLog = Schemas['ServiceLog'];
export type ModelList = Schemas['ModelList'];
export type FoundModels = Schemas['FoundModels'];
export type DatasetList = Schemas['DatasetList'];
export type DeviceList = Schemas['DeviceList'];
export type JobList = Schemas['JobList'];
export type JobSamples = Schemas['JobSamples'];
export type ServiceList = Schemas['ServiceList'];
