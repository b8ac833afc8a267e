# Sources of the module transport.
