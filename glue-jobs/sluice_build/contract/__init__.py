"""What the job is handed and hands on, and the errors of its steps."""
