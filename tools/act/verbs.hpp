#pragma once

#include "tools/act/verb.hpp"

namespace act::cli {

// Each is defined in the file of its name; the list is in verbs.cpp.
extern const verb upload_verb, download_verb, cp_verb, mv_verb, cat_verb, mkcontainer_verb, set_verb, ls_verb,
    run_verb, bench_verb, du_verb, tree_verb, sync_verb, check_verb, rm_verb, url_verb, serve_verb, init_verb,
    initc_verb, submit_verb, query_verb, wait_verb, abort_verb, config_verb, agent_verb;

}  // namespace act::cli
