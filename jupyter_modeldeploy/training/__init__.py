"""Fine-tuning. Each trainer is a function registered under the entry-point group `jupyter_modeldeploy.trainers`
by the task that it trains for; its options are a pydantic model that forms, the CLI and OpenAPI are made from."""
