import type { Api } from './api';
import type { OptionSchema } from './optionFields';
import type {
  AliasList,
  Answer,
  Changes,
  CheckList,
  Code,
  DatasetList,
  DeviceList,
  Experiment,
  ExperimentPlan,
  ExperimentReport,
  FinetuneChoices,
  Form,
  FoundModels,
  GraphView,
  Job,
  JobList,
  JobSamples,
  Loader,
  LogChunk,
  MeasurementList,
  MetricPage,
  ModelList,
  Moved,
  Rehearsal,
  RoutingPreview,
  Service,
  ServiceFigures,
  ServiceList,
  ServiceLog,
  ShadowFigures,
  Texts,
  TrainingCode,
  UsageList,
  VersionDiff,
  VersionPage
} from './types';

/** The part of the API's own description that forms are made from. */
interface Description {
  components: { schemas: Record<Form, { properties: Record<string, OptionSchema> }> };
}

export interface Request {
  method: 'GET' | 'POST' | 'DELETE';
  /** Relative to the API's root, with its query. */
  path: string;
  body?: unknown;
  signal?: AbortSignal;
  /** For how long the server may wait for others before it answers. */
  waitSeconds?: number;
}

/** The server waits for a hub in its turn. */
const HUB_SECONDS = 60;

/** One way to the server: resolves to the answer's JSON, rejects with an ApiError. */
export type Send = (request: Request) => Promise<unknown>;

/** For how long what the views ask again is waited for at most. */
const ASKED_AGAIN_MS = 15_000;

/** The API over any way to the server, HTTP or a notebook's comm. Whatever changes something is over when `catchUp` is and
 * what the views then ask again is answered: they show what it came to, and what is done next starts from there. */
export function createApi(send: Send, catchUp: () => Promise<void> = () => Promise.resolve()): Api {
  const asked = new Set<Promise<unknown>>();
  const get = (path: string, signal?: AbortSignal, waitSeconds?: number) => {
    const answer = send({ method: 'GET', path, waitSeconds, signal });
    if (waitSeconds === undefined) {
      asked.add(answer);
      const forget = () => asked.delete(answer);
      void answer.then(forget, forget);
    }
    return answer;
  };
  /** Asks with more than a path holds; changes nothing. */
  const ask = (path: string, body: unknown) => send({ method: 'POST', path, body });
  const change = async (request: Request) => {
    const answer = await send(request);
    await catchUp();
    await pause(0); // in which the views are drawn and ask
    await Promise.race([Promise.allSettled(asked), pause(ASKED_AGAIN_MS)]);
    return answer;
  };
  const post = (path: string, body: unknown = {}) => change({ method: 'POST', path, body });
  const remove = (path: string) => change({ method: 'DELETE', path });
  return {
    options: async form =>
      ((await get('openapi.json')) as Description).components.schemas[form].properties,

    models: async () => ((await get('models')) as ModelList).models,
    fetchModel: async request => (await post('models/fetch', request)) as Job,
    searchModels: async (source, query) => {
      const path = at`models/search?source=${source}&query=${query}`;
      return ((await get(path, undefined, HUB_SECONDS)) as FoundModels).models;
    },
    version: async ref => (await get(at`versions/${ref}`)) as VersionPage,
    measurements: async model =>
      ((await get(at`models/${model}/measurements`)) as MeasurementList).measurements,
    profile: async (version, service) =>
      (await post('models/profile', { version, service })) as Job,
    reportOn: async service => (await post('services/report', { service })) as Job,
    compare: async (service, base, candidate) =>
      (await post('experiments', { service, base, candidate })) as Job,
    trust: async (version, reason) => {
      await post('models/trust', { version, reason });
    },
    distrust: async version => {
      await post('models/distrust', { version });
    },
    aliases: async model => (await get(at`models/${model}/aliases`)) as AliasList,
    setAliasRule: async (model, alias, rule, reason) => {
      await post(at`models/${model}/aliases/${alias}/rule`, { ...rule, reason });
    },
    checkConditions: async (model, conditions) =>
      ((await ask(at`models/${model}/conditions`, { conditions })) as CheckList).checks,
    removeAlias: async (model, alias, expected) => {
      await remove(at`models/${model}/aliases/${alias}?expected=${expected}`);
    },
    promote: async request =>
      (await (request.dry_run ? ask : post)('models/promote', request)) as Moved,
    rollBackAlias: async (model, alias, expected, follow) =>
      (await post(at`models/${model}/aliases/${alias}/rollback`, { expected, follow })) as Moved,
    approveRequest: async (id, note) => {
      await post(at`requests/${id}/approve`, { note });
    },
    refuseRequest: async (id, note) => {
      await post(at`requests/${id}/refuse`, { note });
    },
    deprecate: async (version, reason, successor) => {
      await post('models/deprecate', { version, reason, successor: successor || null });
    },
    undeprecate: async version => {
      await post('models/undeprecate', { version });
    },
    diff: async (before, after) => (await get(at`versions/${before}/diff/${after}`)) as VersionDiff,
    loader: async ref => ((await get(at`versions/${ref}/loader`)) as Loader).source,
    trainingCode: async ref => ((await get(at`versions/${ref}/code`)) as TrainingCode).source,

    finetuneChoices: async (dataset, base, method) => {
      const query = new URLSearchParams({ ...(base && { base }), ...(method && { method }) });
      return (await get(
        at`datasets/${dataset}/finetuning` + `?${query.toString()}`
      )) as FinetuneChoices;
    },
    finetune: async request => (await post('models/finetune', request)) as Job,
    optimize: async request => (await post('models/optimize', request)) as Job,
    convert: async request => (await post('models/convert', request)) as Job,
    quantize: async request => (await post('models/quantize', request)) as Job,
    writeCode: async (operation, request) =>
      ((await get(at`code?operation=${operation}&request=${JSON.stringify(request)}`)) as Code)
        .source,
    registerOptimized: async (id, point) => {
      await post(at`optimizations/${id}/versions`, { point });
    },

    datasets: async () => ((await get('datasets')) as DatasetList).datasets,
    addDataset: async request => (await post('datasets', request)) as Job,

    devices: async () => ((await get('devices')) as DeviceList).devices,

    jobs: async () => ((await get('jobs')) as JobList).jobs,
    job: async id => (await get(at`jobs/${id}`)) as Job,
    cancelJob: async id => (await post(at`jobs/${id}/cancel`)) as Job,
    resumeJob: async id => (await post(at`jobs/${id}/resume`)) as Job,
    jobLog: async (id, offset) => (await get(at`jobs/${id}/log?offset=${offset}`)) as LogChunk,
    jobMetrics: async (id, after, most) =>
      (await get(at`jobs/${id}/metrics?after=${after}&most=${most}`)) as MetricPage,
    jobSamples: async id => ((await get(at`jobs/${id}/samples`)) as JobSamples).samples,
    jobGraph: async (id, language) =>
      ((await get(at`jobs/${id}/graph?language=${language}`)) as GraphView).html,

    experiment: async id => (await get(at`experiments/${id}`)) as Experiment,
    experimentPage: async id =>
      ((await get(at`experiments/${id}/report`)) as ExperimentReport).html,
    runExperiment: async ({ name, ...request }) =>
      (await post(at`services/${name}/experiment`, request)) as Job,
    rehearse: async request => (await ask('experiments/rehearsal', request)) as Rehearsal,
    actOnExperiment: async (id, action, alias) =>
      (await post(at`experiments/${id}/${action}`, { alias })) as Experiment,
    planExperiment: async request => (await ask('experiments/plan', request)) as ExperimentPlan,

    services: async () => ((await get('services')) as ServiceList).services,
    serve: async (name, model, version, layout = { instances: 0, threads: 0 }) =>
      (await post('services', {
        name,
        models: [{ model, arms: [{ version }] }],
        ...layout
      })) as Service,
    startService: async name => (await post(at`services/${name}/start`)) as Service,
    stopService: async name => (await post(at`services/${name}/stop`)) as Service,
    changeService: async (name, spec) =>
      (await post(at`services/${name}/change`, { spec })) as Service,
    rollbackService: async name => (await post(at`services/${name}/rollback`)) as Service,
    previewRouting: async ({ name, ...request }) =>
      (await ask(at`services/${name}/preview`, request)) as RoutingPreview,
    shadow: async service => (await get(at`services/${service}/shadow`)) as ShadowFigures,
    figures: async name => (await get(at`services/${name}/figures`)) as ServiceFigures,
    usage: async name => ((await get(at`services/${name}/usage`)) as UsageList).models,
    serviceLog: async name => ((await get(at`services/${name}/log`)) as ServiceLog).text,
    removeService: async name => {
      await remove(at`services/${name}`);
    },
    predict: async (service, model, body) =>
      (await ask(at`services/${service}/predict`, { model, body })) as Answer,

    texts: async language =>
      ((await get(at`texts?language=${language}`)) as { texts: Texts }).texts,
    latestChange: async signal => ((await get('changes', signal)) as Changes).latest,
    changes: async (since, waitSeconds, signal) =>
      (await get(at`changes?since=${since}&wait=${waitSeconds}`, signal, waitSeconds)) as Changes
  };
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

/** A path whose inserted values are escaped, so that no name can reach another route. */
function at(parts: TemplateStringsArray, ...values: (string | number)[]): string {
  return String.raw({ raw: parts }, ...values.map(encodeURIComponent));
}
