"""What would make a served model faster: rules that find causes, and trials that tell what removing them gains."""
