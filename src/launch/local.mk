src_librailgauge_a_SOURCES += \
	include/railgauge/launch/rendezvous.h \
	%D%/rendezvous.c \
	%D%/threads.c
