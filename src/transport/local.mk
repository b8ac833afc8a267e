# Sources of the module transport.
src_librailgauge_a_SOURCES += include/railgauge/transport/transport.h
