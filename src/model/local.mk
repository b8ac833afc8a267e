# Sources of the module model.
