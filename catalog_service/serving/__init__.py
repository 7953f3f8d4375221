"""What every gRPC service of vertebra does the same way: serve, refuse, report, drain."""
