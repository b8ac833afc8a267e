/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finding, loading and starting the module of an MPI library.
 */
#include "config.h"

#include "railgauge/mpi/glue.h"

#include "impl.h"

#include "railgauge/base/mem.h"
#include "railgauge/topo/rdma.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder of the running program into folder[len_bytes]; empty if it cannot be told. */
static void program_folder(char *folder, size_t len_bytes)
{
	ssize_t n = readlink("/proc/self/exe", folder, len_bytes - 1);
	char *slash;

	folder[n > 0 ? n : 0] = '\0';
	slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
}

static bool is_module(const char *folder, const char *relative, const char *name, char *path,
		      size_t len_bytes)
{
	int n = snprintf(path, len_bytes, "%s%s/rg_mpi_%s.so", folder, relative, name);

	return n > 0 && (size_t)n < len_bytes && !access(path, R_OK);
}

static bool find_module(const char *name, char *path, size_t len_bytes)
{
	const char *only = getenv("RG_MPI_MODULES");
	char folder[PATH_MAX];

	if (only && *only)
		return is_module(only, "", name, path, len_bytes);
	program_folder(folder, sizeof(folder));
	return (folder[0] && (is_module(folder, "/../lib/railgauge", name, path, len_bytes) ||
			      is_module(folder, "/mpi/.libs", name, path, len_bytes))) ||
	       is_module(RG_PKGLIBDIR, "", name, path, len_bytes);
}

const char *const *rg_mpi_modules(void)
{
	static const char *found[8];
	const char *const *known = rg_mpi_known();
	char path[PATH_MAX];
	size_t n = 0;

	for (size_t i = 0; known[i] && n + 1 < sizeof(found) / sizeof(found[0]); i++) {
		if (find_module(known[i], path, sizeof(path)))
			found[n++] = known[i];
	}
	found[n] = NULL;
	return found;
}

void rg_mpi_list_modules(char *list, size_t len_bytes)
{
	const char *const *there = rg_mpi_modules();
	size_t used = 0;

	snprintf(list, len_bytes, "%s", *there ? "" : "none");
	for (; *there && used < len_bytes; there++)
		used += (size_t)snprintf(list + used, len_bytes - used, "%s%s", used ? ", " : "",
					 *there);
}

int rg_mpi_module_path(const char *name, char *path, size_t len_bytes, struct rg_err *err)
{
	char full[PATH_MAX], list[128];

	if (find_module(name, full, sizeof(full))) {
		if (strlen(full) >= len_bytes)
			return rg_err_set(err, RG_ERR_NOT_FOUND, "%s: the path is too long", full);
		memcpy(path, full, strlen(full) + 1);
		return 0;
	}
	rg_mpi_list_modules(list, sizeof(list));
	return rg_err_set(err, RG_ERR_NOT_FOUND,
			  "no module for %s (rg_mpi_%s.so) was built into this railgauge, which "
			  "has %s; to build it, install %s and configure again",
			  name, name, list, rg_mpi_package(name));
}

/* The module stays loaded: MPI libraries do not survive being unloaded. */
static int load(const char *name, const struct rg_mpi_module **module_out, struct rg_err *err)
{
	const struct rg_mpi_module *module;
	char path[PATH_MAX];
	void *handle;
	int rc;

	rc = rg_mpi_module_path(name, path, sizeof(path), err);
	if (rc)
		return rc;
	rg_rdma_keep_devices();
	handle = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
	if (!handle)
		return rg_err_set(err, RG_ERR_SYSTEM, "cannot load the MPI module: %s", dlerror());
	module = dlsym(handle, "rg_mpi_module");
	if (!module || module->abi != RG_MPI_ABI || strcmp(module->name, name)) {
		dlclose(handle);
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "%s is the module of another release of railgauge", path);
	}
	*module_out = module;
	return 0;
}

/* Has the library found the ranks that its launcher says it started? */
static int check_size(const struct rg_mpi *mpi, struct rg_err *err)
{
	const char *variable;
	uint32_t launched = rg_mpi_launched_ranks(&variable);

	if (!launched || launched == mpi->nranks)
		return 0;
	return rg_err_set(err, RG_ERR_MISMATCH,
			  "%s says that %u ranks were started, but MPI_COMM_WORLD has %u: the "
			  "launcher is not the one of this library (%.60s); start with its own "
			  "mpirun, or choose with --mpi",
			  variable, launched, mpi->nranks, mpi->version);
}

int rg_mpi_open(const char *name, const struct rg_mpi_settings *settings, struct rg_mpi **mpi_out,
		struct rg_err *err)
{
	static bool started; /* MPI starts once per process */
	struct rg_mpi *mpi;
	int rc;

	if (started)
		return rg_err_set(err, RG_ERR_INVALID, "MPI cannot be started twice");
	mpi = rg_zalloc(1, sizeof(*mpi));
	if (!mpi)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the MPI glue");
	rc = load(name, &mpi->module, err);
	if (rc)
		goto free_mpi;
	started = true;
	rc = mpi->module->start(settings, &mpi->rank, &mpi->nranks, &mpi->version, err);
	if (rc)
		goto free_mpi;
	rc = check_size(mpi, err);
	if (rc)
		goto finish;
	mpi->rules = mpi->module->rules();
	*mpi_out = mpi;
	return 0;

finish:
	mpi->module->finish();
free_mpi:
	rg_free(mpi);
	return rc;
}

void rg_mpi_close(struct rg_mpi *mpi)
{
	if (!mpi)
		return;
	mpi->module->finish();
	rg_free(mpi);
}
