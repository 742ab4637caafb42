"""`python -m jupyter_modeldeploy.serving.supervision FOLDER`: the supervisor of the service whose folder that is."""

import sys

sys.modules["ssl"] = None  # type: ignore[assignment]  # asyncio does without it, and it takes 4 MB

from jupyter_modeldeploy.serving.supervision.supervisor import main  # noqa: E402

sys.exit(main(sys.argv[1]))
