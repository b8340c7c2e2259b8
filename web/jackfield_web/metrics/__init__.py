"""What a Prometheus server collects."""
