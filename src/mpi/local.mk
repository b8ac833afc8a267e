# Sources of the module mpi.
