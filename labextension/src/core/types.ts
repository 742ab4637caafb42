/** The records as the server sends them: times are ISO 8601 in UTC, sizes are bytes, shares are 0 to 1. */

export interface Version {
  ref: string;
  model: string;
  number: number;
  format: string;
  task: string;
  lineage: { step: string; parent?: string | null; source?: string | null };
  metrics: Record<string, number>;
  size_bytes: number;
  created_at: string;
}

export interface Model {
  name: string;
  task: string;
  description: string;
  aliases: Record<string, number>;
  latest: number | null;
  versions: Version[];
}

export type JobState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'interrupted';

export interface Failure {
  code: string;
  message: string;
  hint: string;
}

export interface Progress {
  done: number;
  total: number | null;
  unit: string;
  message: string;
  seconds_left: number | null;
}

export interface Job {
  id: string;
  kind: string;
  title: string;
  attempt: number;
  state: JobState;
  progress: Progress;
  device: string | null;
  error: Failure | null;
  created_at: string;
}

export interface LogChunk {
  text: string;
  next_offset: number;
  ended: boolean;
}

export type ServiceState = 'starting' | 'ready' | 'stopping' | 'stopped' | 'failed';

export interface ServedModel {
  model: string;
  arms: { version: number; weight: number }[];
}

export interface Service {
  name: string;
  spec: { models: ServedModel[]; replicas: number };
  state: ServiceState;
  url: string | null;
  replicas_ready: number;
  error: Failure | null;
}

export interface Answer {
  version: string;
  predictions: unknown[];
}

export interface Change {
  sequence: number;
  kind: string;
  key: string;
  action: 'created' | 'updated' | 'deleted';
}

export interface Changes {
  changes: Change[];
  latest: number;
}
