#pragma once

#include "tools/act/verb.hpp"

namespace act::cli {

// Each is defined in the file of its name; the list is in verbs.cpp.
extern const verb upload_verb, download_verb, cp_verb, mv_verb, cat_verb, mkcontainer_verb, set_verb, ls_verb,
    run_verb, bench_verb, du_verb, tree_verb, sync_verb, check_verb, rm_verb, undelete_verb, url_verb,
    serve_verb, cap_verb, init_verb, initc_verb, local_verb, submit_verb, query_verb, logs_verb, files_verb,
    get_verb, wait_verb, abort_verb, resubmit_verb, monitor_verb, parse_verb, prune_verb, ssh_verb,
    summary_verb, blame_verb, config_verb, agent_verb;

}  // namespace act::cli
