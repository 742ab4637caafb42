"""The door for JupyterLab: a server extension that answers the API's operations over HTTP."""
