"""The executor: problems, the master's protocol, the engines."""
