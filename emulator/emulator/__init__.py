"""The AWS services that Sluice uses, on one machine: moto with what it lacks added."""
