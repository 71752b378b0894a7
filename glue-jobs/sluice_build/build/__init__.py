"""One run of the job, and the build of each table and model."""
