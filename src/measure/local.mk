# Sources of the module measure.
