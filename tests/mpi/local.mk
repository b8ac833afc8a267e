# Tests of the module mpi.
