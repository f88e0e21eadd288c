"""What runs the platform elsewhere: dashboards, rules of Prometheus."""
