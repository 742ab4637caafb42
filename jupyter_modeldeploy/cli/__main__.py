"""`python -m jupyter_modeldeploy.cli`, where the script is not on the path."""

from jupyter_modeldeploy.cli import main

main()
