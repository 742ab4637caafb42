"""How an endpoint answers under load.

`measure` measures one concurrency or rate after another, in a process of its own; `run` keeps each answer."""

from jupyter_modeldeploy.profiling.load.inputs import predict_payloads as predict_payloads
from jupyter_modeldeploy.profiling.load.plan import Plan as Plan
from jupyter_modeldeploy.profiling.load.plan import Step as Step
from jupyter_modeldeploy.profiling.load.process import measure as measure
from jupyter_modeldeploy.profiling.load.requests import Load as Load
from jupyter_modeldeploy.profiling.load.requests import LoadResult as LoadResult
from jupyter_modeldeploy.profiling.load.requests import run as run
from jupyter_modeldeploy.profiling.load.requests import summary as summary
from jupyter_modeldeploy.profiling.load.target import Body as Body
from jupyter_modeldeploy.profiling.load.windows import Length as Length
