"""Where the reconciler touches the host: clocks, files, processes."""
