# Sources of the module launch.
