// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: tracepoints
 */

/* sparse isn't too happy with all macros */
#ifndef __CHECKER__
#define CREATE_TRACE_POINTS
#include "trace.h"
#endif
