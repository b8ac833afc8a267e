/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ranks of a command that measures, whatever started them: how they come together, what they
 * tell each other first, and how they end, all of them or none.
 *   ranks.c            which kind of job this is; MPI, the environment, or threads
 *   ranks_threads.c    ranks that are threads of this process
 *   ranks_watch.c      ends a rank that hangs in a call of MPI
 *   ranks_meet.c       where the ranks are, whether all were told the same, and what all agree on
 *   ranks_transport.c  which transport suits them
 *   ranks_counters.c   whose counters are read around what is measured
 *   ranks_result.c     what of it the result document has
 */
#ifndef RG_CMD_RANKS_H
#define RG_CMD_RANKS_H

#include "railgauge/base/opt.h"
#include "railgauge/launch/rendezvous.h"
#include "railgauge/measure/machine.h"
#include "railgauge/measure/nic_counters_job.h"
#include "railgauge/measure/place.h"
#include "railgauge/measure/result.h"
#include "railgauge/mpi/glue.h"
#include "railgauge/transport/transport.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define RANKS_THREADS_MAX 256

/* Where threads wait for each other before they free memory that peers may look into. */
struct ranks_gate {
	pthread_mutex_t lock;
	pthread_cond_t open;
	uint32_t missing; /* ranks that have not come yet */
};

struct ranks_watch;

/* What a process knows of its ranks before they begin; const for them. */
struct ranks {
	/* Set by the command. */
	const char *name;    /* "railgauge bench" */
	const char *library; /* --mpi; NULL: the launcher's */
	int64_t nthreads;    /* --threads; 0: a launcher started the ranks */
	bool bind;	     /* threads to cores, if there are enough */
	bool algorithms;     /* individual algorithms of MPI will be asked for */
	uint64_t timeout_ns; /* longest wait for a peer; 0: the command line could not be read */
	uint64_t start_ns;   /* longest wait for all to come, at the start; likewise */
	/*
	 * One rank's whole life; rdv is borrowed. 0, or a code with words; *agreed_out says whether
	 * all ranks return the same (then rank 0 alone prints it).
	 */
	int (*life)(const struct ranks *ranks, struct rg_rendezvous *rdv, bool *agreed_out,
		    struct rg_err *err);
	void *command; /* borrowed: what life finds its options in */

	/* What became of it. */
	struct rg_mpi *mpi;	   /* NULL: none */
	struct ranks_watch *watch; /* over MPI's calls; NULL: none */
	const char *no_mpi;	   /* why */
	int refused;		   /* what is wrong with this rank's command line; 0: nothing */
	struct rg_err why;	   /* in words */
	bool shared;		   /* all ranks know how it ended */
	bool told;		   /* and it was printed */
	bool threads;		   /* the ranks are threads of this process */
	struct ranks_gate *gate;   /* theirs: borrowed; NULL for processes */
	const volatile sig_atomic_t *interrupted;
};

/*
 * Brings the ranks together and lets them live; returns the program's exit status, after one line
 * on stderr where it is this rank's to say what went wrong. refused: what parsing the command line
 * returned, with its words in err; a rank whose command line is wrong joins the others all the
 * same: they may have been started with another one, and would wait for it.
 */
int ranks_run(struct ranks *ranks, int refused, struct rg_err *err);

/* Runs the ranks as n threads of this process and returns once all have ended, as life. */
int ranks_threads(struct ranks *ranks, uint32_t n, struct rg_err *err);
void ranks_gate_pass(struct ranks_gate *gate);

/* --bind was given: RG_ERR_INVALID where the ranks are no threads. */
int ranks_check_bind(int64_t nthreads, struct rg_err *err);

/* --- one rank among the others (ranks_meet.c) --- */

struct ranks_member {
	const struct ranks *ranks;   /* borrowed */
	struct rg_rendezvous *rdv;   /* borrowed */
	bool agreed;		     /* all ranks know of the failure */
	struct rg_place *places;     /* owned, [nranks] */
	struct rg_machine *machines; /* owned, [nranks] */
	uint32_t *nodes;	     /* owned, [2][nranks]: of each rank, and its number there */
	bool one_host;		     /* all ranks share a network namespace */
	bool crowded;		     /* more ranks than cores */
	char no_verbs[192];	     /* why RDMA does not join the nodes; or "" */
	struct rg_load load;	     /* when measuring began: rg_load_read */
};

/* For an exchange that begins now. */
uint64_t ranks_deadline(const struct ranks_member *m);

/*
 * What happened here happens everywhere: collective, 0 if rc is 0 on all ranks, else a code on all,
 * with words. m->agreed says whether all have the same.
 */
int ranks_agree(struct ranks_member *m, int rc, struct rg_err *err);

/*
 * Collective: all ranks tell where they are (places, machines, nodes, one_host, crowded), and that
 * their options are the same, but for which of their own devices they use; bases and origins as
 * rg_opt_record's, operand: the words that are no option, or NULL. RG_ERR_MISMATCH naming the rank
 * where they are not; RG_ERR_NO_MEMORY, and as rg_rendezvous_allgather.
 */
int ranks_meet(struct ranks_member *m, const struct rg_opt_command *command,
	       const void *const *bases, const struct rg_opt_origins *origins, const char *operand,
	       struct rg_err *err);

/* What a command was told of networks; borrowed. */
struct ranks_network {
	const struct rg_verbs_options *verbs;
	const char *interface, *congestion; /* of tcp; NULL: not named */
};

/*
 * Collective: is RDMA the way between the ranks' nodes, of which there are several? If some have no
 * device that works, m->no_verbs says why. As rg_verbs_suits.
 */
int ranks_verbs_suit(struct ranks_member *m, const struct ranks_network *network,
		     uint64_t len_bytes, bool *out, struct rg_err *err);

/*
 * The transport of that name; auto: what suits where the ranks are, collective: shm on one node,
 * mixed where nodes have several ranks, and where none has, verbs-rc if ranks_verbs_suit (network
 * NULL: that is known already, and does not), else tcp. RG_ERR_NOT_FOUND, RG_ERR_INVALID (inproc
 * between processes), and as rg_verbs_suits.
 */
int ranks_transport(struct ranks_member *m, const char *name, const struct ranks_network *network,
		    const struct rg_transport_ops **out, struct rg_err *err);

/* Where this rank is among those of its node. After ranks_meet. */
uint32_t ranks_local(const struct ranks_member *m);
uint32_t ranks_nlocal(const struct ranks_member *m);

/*
 * Collective: adapters whose counters are read, as --counters says: list is names, none or auto:
 * those that are used (names, or empty), and if others choose what they use, all active RDMA ports.
 * *out stays as it is where there are none. As rg_nic_ports_find and rg_nic_job_open.
 */
int ranks_counters_open(struct ranks_member *m, const char *list, const char *used, bool others,
			struct rg_nic_job **out, struct rg_err *err);

/* Collective: processors that others took on rank 0's host since m->load. */
int ranks_others_load(struct ranks_member *m, double *load_out, struct rg_err *err);

/*
 * The rank's life ends with rc: a failure that the others do not know of is told to them, and who
 * speaks is put before its words. Then threads wait for each other, since peers may look into this
 * one's memory, and the watch over MPI is told that nothing is left to do. *agreed_out as life's.
 */
void ranks_end(struct ranks_member *m, int rc, bool *agreed_out, struct rg_err *err);
void ranks_release(struct ranks_member *m); /* frees what it owns */

/* --- the result's head, on rank 0 (ranks_result.c) --- */

/* Machines, ranks and warnings about where they are. */
int ranks_describe(const struct ranks_member *m, struct rg_result *result, struct rg_err *err);

/* Adds the warning "load" where others took more than an idle machine's daemons do. */
void ranks_judge_load(struct rg_result *result, double others_load);

/* The whole document to standard output, instead of a table. RG_ERR_NO_MEMORY, RG_ERR_SYSTEM. */
int ranks_print_document(const struct rg_result *result, struct rg_err *err);

/* --- the watch over MPI's calls (ranks_watch.c) --- */

/*
 * Ends the process, after one line on stderr, when this rank is inside a call of MPI for longer
 * than limit_ns, or when a peer of this host is known to be gone meanwhile. name: the command's,
 * borrowed. rank: this one's number in words, or NULL. RG_ERR_NO_MEMORY, RG_ERR_SYSTEM.
 */
int ranks_watch_open(const char *name, const char *rank, uint64_t limit_ns,
		     struct ranks_watch **watch_out, struct rg_err *err);
void ranks_watch_close(struct ranks_watch *watch); /* NULL is allowed */

/* Another limit, from the next call on. */
void ranks_watch_limit(struct ranks_watch *watch, uint64_t limit_ns);

/* Around one call: what is static text, "MPI_Init". */
void ranks_watch_enter(struct ranks_watch *watch, const char *what);

/*
 * Around MPI_Finalize, until close. A rank may be through with it long before another: only the
 * limit counts, and MPI may have ended too far for the job to be ended through it.
 */
void ranks_watch_finish(struct ranks_watch *watch);
void ranks_watch_leave(struct ranks_watch *watch);

/*
 * What is still to be done before the watch ends the process: called by its thread, while the rank
 * is inside MPI. arg is borrowed until this is called again. NULL: nothing.
 */
void ranks_watch_last(struct ranks_watch *watch, void (*last)(void *arg), void *arg);

/*
 * From now on the peers are known by name, and the job is ended through the module. places[nranks]
 * is copied, module is borrowed until close. RG_ERR_NO_MEMORY.
 */
int ranks_watch_peers(struct ranks_watch *watch, const struct rg_place *places, uint32_t rank,
		      uint32_t nranks, const struct rg_mpi_module *module, struct rg_err *err);

/*
 * Watches collectives until leave: where the rank writes since when (rg_clock_ns) it has been
 * inside one; 0: it is not.
 */
void ranks_watch_measure(struct ranks_watch *watch);
_Atomic uint64_t *ranks_watch_busy(struct ranks_watch *watch);

#endif
