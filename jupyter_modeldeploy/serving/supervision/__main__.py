"""`python -m jupyter_modeldeploy.serving.supervision FOLDER`: the supervisor of the service whose folder that is."""

import sys

from jupyter_modeldeploy.serving.supervision.supervisor import main

sys.exit(main(sys.argv[1]))
