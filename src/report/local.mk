# Sources of the module report.
