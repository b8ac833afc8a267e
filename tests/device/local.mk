# Tests of the module device.
