# Sources of the module device.
