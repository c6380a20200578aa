#include "tools/act/verbs.hpp"

#include <algorithm>

namespace act::cli {

namespace {

constexpr const verb* list[] = {
    &upload_verb,      &download_verb, &cp_verb,    &mv_verb,    &cat_verb,  &sync_verb,     &check_verb,
    &ls_verb,          &du_verb,       &tree_verb,  &set_verb,   &rm_verb,   &undelete_verb, &url_verb,
    &mkcontainer_verb, &run_verb,      &bench_verb, &cap_verb,   &init_verb, &initc_verb,    &local_verb,
    &submit_verb,      &query_verb,    &logs_verb,  &files_verb, &get_verb,  &wait_verb,     &abort_verb,
    &resubmit_verb,    &monitor_verb,  &parse_verb, &prune_verb, &ssh_verb,  &summary_verb,  &blame_verb,
    &serve_verb,       &config_verb,   &agent_verb};

}  // namespace

std::span<const verb* const> all_verbs() { return list; }

const verb* find_verb(std::string_view name) {
    for (const verb* v : list) {
        if (v->name == name || std::find(v->aliases.begin(), v->aliases.end(), name) != v->aliases.end())
            return v;
    }
    return nullptr;
}

}  // namespace act::cli
