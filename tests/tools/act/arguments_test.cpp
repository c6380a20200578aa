#include "tools/act/arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace act::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using words = std::vector<std::string>;

arguments good(words w) {
    auto parsed = parse_arguments(w);
    EXPECT_TRUE(parsed.has_value()) << parsed.error().describe();
    return parsed ? std::move(*parsed) : arguments();
}

error bad(words w) {
    auto parsed = parse_arguments(w);
    EXPECT_FALSE(parsed.has_value());
    if (parsed) return {};
    EXPECT_EQ(parsed.error().kind(), kind::usage);
    EXPECT_FALSE(parsed.error().advice().empty()) << parsed.error().describe();
    return parsed.error();
}

TEST(arguments, options_stand_before_the_verb_as_in_act) {
    auto a = good({"-c", "eu", "-n", "8", "submit", "python3", "x.py"});
    EXPECT_EQ(a.verb->name, "submit");
    EXPECT_EQ(a.given.cluster, "eu");
    EXPECT_EQ(a.given.num_gpu, 8);
    EXPECT_THAT(a.words, ElementsAre("python3", "x.py"));
}

TEST(arguments, and_after_it) {
    auto a = good({"u", "data/a", "--json", "-c", "eu", "data/b"});
    EXPECT_EQ(a.verb->name, "upload");
    EXPECT_EQ(a.called, "u");
    EXPECT_TRUE(a.given.json);
    EXPECT_EQ(a.given.cluster, "eu");
    EXPECT_THAT(a.words, ElementsAre("data/a", "data/b"));
}

TEST(arguments, glued_values) {
    auto a = good({"-n8", "-ceu", "-ftrain", "--memory=1GiB", "u", "data"});
    EXPECT_EQ(a.given.num_gpu, 8);
    EXPECT_EQ(a.given.cluster, "eu");
    EXPECT_EQ(a.given.from_cluster, "train");
    EXPECT_EQ(a.given.memory, 1ull << 30);
}

TEST(arguments, multi_letter_options_with_one_dash) {
    auto a = good(
        {"-rt", "us", "-ca", "fast", "-single", "-hold", "--max", "3", "-no-wl", "-no-dt", "-no-lf", "q"});
    EXPECT_EQ(a.given.resubmit_to, "us");
    EXPECT_EQ(a.given.compile_args, "fast");
    EXPECT_TRUE(a.given.single);
    EXPECT_TRUE(a.given.hold);
    EXPECT_EQ(a.given.max, 3u);
    EXPECT_TRUE(a.given.no_logs && a.given.no_details && a.given.no_full_logs);
    EXPECT_TRUE(a.given.cluster.empty());
    EXPECT_FALSE(a.given.num_gpu.has_value());
    EXPECT_EQ(good({"-rtus", "q"}).given.resubmit_to, "us");
}

TEST(arguments, beginnings_of_long_names_while_only_one_fits) {
    EXPECT_EQ(good({"--clus", "eu", "ls", "data"}).given.cluster, "eu");
    EXPECT_TRUE(good({"-sin", "q"}).given.single);
    EXPECT_EQ(good({"--from-cluster", "a", "u", "data"}).given.from_cluster, "a");
    EXPECT_THAT(bad({"--tls", "x", "serve"}).message(), HasSubstr("--tls-cert, --tls-key"));
    EXPECT_THAT(bad({"-no-w", "q"}).message(), HasSubstr("-no-wl"));
}

TEST(arguments, dropped_options_of_act_are_taken_with_a_warning) {
    auto a = good({"-p", "x: 1", "-no-wg", "-no-m", "-no-s", "-ic", "jobs", "submit", "ls"});
    EXPECT_EQ(a.given.warnings.size(), 5u);
    EXPECT_THAT(a.given.warnings[3], HasSubstr("--dry-run"));
    EXPECT_THAT(a.words, ElementsAre("ls"));
}

TEST(arguments, everything_from_the_first_word_of_submit_belongs_to_the_command) {
    auto a = good({"submit", "--wait", "python3", "count.py", "--json", "-n", "8", "--", "", "a b"});
    EXPECT_TRUE(a.given.wait);
    EXPECT_FALSE(a.given.json);
    EXPECT_THAT(a.words, ElementsAre("python3", "count.py", "--json", "-n", "8", "--", "", "a b"));
}

TEST(arguments, policies_that_contradict_each_other_are_refused) {
    EXPECT_EQ(good({"u", "--overwrite", "newer", "x"}).given.overwrite, plan::overwrite::newer);
    EXPECT_THAT(bad({"u", "--overwrite", "sometimes", "x"}).advice(), HasSubstr("never"));
    EXPECT_THAT(bad({"u", "--force", "--overwrite", "never", "x"}).message(), HasSubstr("--force"));
    good({"u", "--force", "--overwrite", "always", "x"});
    EXPECT_THAT(bad({"d", "--follow-symlinks", "--preserve-symlinks", "x"}).message(),
                HasSubstr("contradict"));
    EXPECT_THAT(bad({"d", "--unsafe-symlinks", "x"}).advice(), HasSubstr("--preserve-symlinks"));
    EXPECT_THAT(bad({"d", "--metadata", "a=b", "x"}).message(), HasSubstr("no option --metadata"));
    EXPECT_THAT(bad({"u", "--metadata", "mtime=now", "x"}).message(), HasSubstr("mtime"));
    EXPECT_THAT(bad({"u", "--header", "x-odd=1", "x"}).message(), HasSubstr("x-odd"));
    good({"set", "--metadata", "mtime=2026-01-01T00:00:00Z", "x"});
}

TEST(arguments, an_empty_name_is_not_the_default_cluster) {
    for (const words& w : {words{"-c", "", "ls", "data"}, words{"--cluster=", "ls", "data"},
                           words{"-f", "", "u", "data"}, words{"-rt", "", "resubmit", "r"}}) {
        const error e = bad(w);
        EXPECT_THAT(e.message(), HasSubstr("empty"));
        EXPECT_THAT(e.advice(), HasSubstr("variable"));
    }
    EXPECT_THAT(bad({"q", "--group", ""}).message(), HasSubstr("--group"));
}

TEST(arguments, what_a_verb_would_pass_over_is_refused) {
    EXPECT_THAT(bad({"-f", "we", "rm", "data/x"}).message(), HasSubstr("no option --from_cluster"));
    EXPECT_THAT(bad({"-c", "eu", "-f", "we", "d", "x"}).message(), HasSubstr("no option --from_cluster"));
    EXPECT_EQ(good({"-c", "eu", "-f", "we", "u", "x"}).given.from_cluster, "we");
    EXPECT_TRUE(good({"logs", "-f", "r"}).given.wait);
    for (const char* verb : {"q", "abort", "wait", "resubmit", "monitor", "parse"}) {
        EXPECT_THAT(bad({verb, "--group", "g", "r"}).message(), HasSubstr("--group"));
        EXPECT_EQ(good({verb, "--group", "g"}).given.run_group, "g");
    }
    // ACT took these with every verb, and scripts may still.
    good({"-n", "8", "q"});
    good({"-rt", "us", "q"});
}

TEST(arguments, an_age_has_a_unit) {
    for (const char* option : {"--newer-than", "--older-than"}) {
        for (const char* value : {"7", "0", "1.5", "20260131000000"}) {
            const error e = bad({"u", option, value, "x"});
            EXPECT_THAT(e.message(), HasSubstr(option));
            EXPECT_THAT(e.advice(), testing::AllOf(HasSubstr("2026-01-31"), HasSubstr("7d")));
        }
    }
    for (const char* value : {"7d", "0s", "12 h", "1.5m", "2026-01-31"})
        EXPECT_TRUE(good({"u", "--newer-than", value, "x"}).given.newer_than.has_value()) << value;
    bad({"q", "--since", "2"});
}

TEST(arguments, a_double_dash_ends_the_options) {
    EXPECT_THAT(good({"u", "--", "-x", "--json", "--"}).words, ElementsAre("-x", "--json", "--"));
    EXPECT_THAT(good({"submit", "--", "--odd"}).words, ElementsAre("--odd"));
    EXPECT_EQ(good({"--", "ls", "data"}).verb->name, "ls");
    EXPECT_THAT(good({"ls", "-"}).words, ElementsAre("-"));
}

TEST(arguments, the_agent_gets_its_arguments_untouched) {
    EXPECT_THAT(good({"agent", "run", "--json", "--"}).words, ElementsAre("run", "--json", "--"));
}

TEST(arguments, the_nearest_verb_or_option_is_suggested) {
    EXPECT_THAT(bad({"uplaod", "data"}).advice(), HasSubstr("`upload`"));
    EXPECT_THAT(bad({"--clutser", "eu", "ls"}).advice(), HasSubstr("--cluster"));
    EXPECT_THAT(bad({"rm", "--dryrun", "data"}).advice(), HasSubstr("--dry-run"));
    EXPECT_THAT(bad({"-singel", "q"}).advice(), HasSubstr("-single"));
    EXPECT_THAT(bad({"frobnicate"}).advice(), HasSubstr("--help"));
}

TEST(arguments, a_wrong_option_never_shows_what_was_glued_to_it) {
    error e = bad({"serve", "--kye=c2VjcmV0"});
    EXPECT_THAT(e.message() + e.advice(), testing::Not(HasSubstr("c2VjcmV0")));
}

TEST(arguments, values_are_checked) {
    EXPECT_THAT(bad({"--memory", "lots", "ls", "x"}).message(), HasSubstr("`lots`"));
    EXPECT_THAT(bad({"--memory", "1KiB", "ls", "x"}).advice(), HasSubstr("16"));
    EXPECT_THAT(bad({"-n", "-1", "submit", "x"}).message(), HasSubstr("--num_gpu"));
    EXPECT_THAT(bad({"-nx", "submit", "x"}).message(), HasSubstr("`x`"));
    EXPECT_THAT(bad({"--log-level", "loud", "ls", "x"}).advice(), HasSubstr("debug"));
    EXPECT_THAT(bad({"url", "--expires", "soon", "data/x"}).advice(), HasSubstr("7d"));
    EXPECT_THAT(bad({"url", "--expires", "7", "data/x"}).advice(), HasSubstr("7d"));
    EXPECT_THAT(bad({"serve", "--latency", "30"}).advice(), HasSubstr("30ms"));
    EXPECT_TRUE(good({"serve", "--latency", "0"}).given.network.latency == act::steady::duration::zero());
    EXPECT_EQ(good({"url", "--expires", "7d", "data/x"}).given.expires, 7 * 86400.0);
    EXPECT_EQ(good({"u", "--block-size", "64MiB", "data/x"}).given.block_size, 64ull << 20);
}

TEST(arguments, entries_are_key_and_value) {
    auto a = good(
        {"set", "--metadata", "Owner=a=b", "--metadata=x=", "--tag", "Key=v", "--tier", "cool", "data/x"});
    EXPECT_EQ(a.given.changes.metadata, (std::map<std::string, std::string>{{"owner", "a=b"}, {"x", ""}}));
    EXPECT_EQ(a.given.changes.tags, (std::map<std::string, std::string>{{"Key", "v"}}));
    EXPECT_EQ(a.given.changes.tier, "Cool");
    EXPECT_THAT(bad({"set", "--metadata", "novalue", "data/x"}).advice(), HasSubstr("KEY=VALUE"));
}

TEST(arguments, modes_of_md5_have_our_names_and_those_of_azcopy) {
    using check = ops::md5_check;
    EXPECT_EQ(good({"d", "x"}).given.check_md5, check::automatic);
    for (const auto& [name, mode] :
         {std::pair("no", check::no), std::pair("NoCheck", check::no), std::pair("LogOnly", check::log),
          std::pair("fail", check::fail), std::pair("failifdifferent", check::fail),
          std::pair("require", check::require), std::pair("FailIfDifferentOrMissing", check::require)}) {
        EXPECT_EQ(good({"d", "--check-md5", name, "x"}).given.check_md5, mode) << name;
    }
    EXPECT_THAT(bad({"d", "--check-md5", "yes", "x"}).advice(), HasSubstr("require"));
    EXPECT_EQ(good({"set", "--tier", "hot", "--rehydrate-priority", "high", "x"}).given.rehydrate, "High");
    bad({"set", "--rehydrate-priority", "now", "x"});
    EXPECT_EQ(good({"u", "--blob-type", "PageBlob", "x"}).given.blob_type, blob::blob_type::page);
    EXPECT_EQ(good({"u", "x"}).given.blob_type, std::nullopt);
    EXPECT_THAT(bad({"cp", "--blob-type", "tape", "x", "y"}).advice(), HasSubstr("append"));
    EXPECT_THAT(bad({"u", "--blob-type", "page", "--tier", "Cool", "x"}).message(), HasSubstr("--tier"));
    EXPECT_THAT(bad({"u", "--blob-type", "append", "--block-size", "1MiB", "x"}).message(),
                HasSubstr("4 MiB"));
    bad({"u", "--check-md5", "no", "x"});
    bad({"d", "--put-md5", "x"});
}

TEST(arguments, a_forgotten_value_is_noticed) {
    EXPECT_THAT(bad({"-c", "--json", "ls", "data"}).message(), HasSubstr("--cluster needs a value"));
    EXPECT_THAT(bad({"ls", "data", "-c"}).message(), HasSubstr("--cluster needs a value"));
    EXPECT_THAT(bad({"--json=yes", "ls", "data"}).message(), HasSubstr("takes no value"));
    EXPECT_EQ(good({"--compile_args=-O2", "submit", "x"}).given.compile_args, "-O2");
}

TEST(arguments, options_of_other_verbs_are_refused_but_not_those_of_act) {
    EXPECT_THAT(bad({"ls", "--yes", "data"}).message(), HasSubstr("no option --yes"));
    EXPECT_THAT(bad({"--root", "x", "u", "data"}).message(), HasSubstr("--root"));
    EXPECT_TRUE(good({"-single", "ls", "data"}).given.single);
    EXPECT_EQ(good({"-n8", "ls", "data"}).given.num_gpu, 8);
}

TEST(arguments, words_are_counted) {
    EXPECT_THAT(bad({"u"}).message(), HasSubstr("PATH"));
    EXPECT_THAT(bad({"submit", "--wait"}).message(), HasSubstr("COMMAND"));
    EXPECT_THAT(bad({"config", "x"}).message(), HasSubstr("`x`"));
    EXPECT_TRUE(good({"u", "--help"}).given.help);
    EXPECT_TRUE(good({"help", "rm"}).given.help);
    EXPECT_EQ(good({"help", "rm"}).verb->name, "rm");
}

TEST(arguments, rates_times_and_faults) {
    auto a = good({"u", "--cap-ops", "500/s", "--cap-mbps=200", "--concurrency", "8", "x"});
    EXPECT_EQ(a.given.cap_operations, 500);
    EXPECT_EQ(a.given.cap_bytes, 25e6);
    EXPECT_EQ(a.given.concurrency, 8u);
    EXPECT_FALSE(good({"u", "x"}).given.concurrency);
    EXPECT_THAT(bad({"u", "--cap-ops", "0", "x"}).message(), HasSubstr("--cap-ops"));
    EXPECT_THAT(bad({"u", "--cap-mbps", "fast", "x"}).message(), HasSubstr("`fast`"));
    EXPECT_THAT(bad({"ls", "--cap-ops", "5/s"}).message(), HasSubstr("--cap-ops"));

    a = good({"serve", "--latency", "30ms", "--bandwidth", "60MiB/s", "--bandwidth=200MiB/s:account",
              "--limit", "500/s", "--fault", "reset=0.01,list=3", "--fault-seed", "7", "--admin", ":0"});
    EXPECT_EQ(a.given.network.latency, std::chrono::milliseconds(30));
    EXPECT_EQ(a.given.network.connection_rate, 60.0 * 1024 * 1024);
    EXPECT_EQ(a.given.network.account_rate, 200.0 * 1024 * 1024);
    EXPECT_EQ(a.given.network.limit, 500);
    EXPECT_EQ(a.given.network.faults.reset, 0.01);
    EXPECT_EQ(a.given.network.faults.list_from, 3u);
    EXPECT_EQ(a.given.network.faults.seed, 7u);
    EXPECT_EQ(a.given.admin, ":0");
    EXPECT_THAT(bad({"serve", "--latency", "2h"}).message(), HasSubstr("--latency"));
    EXPECT_THAT(bad({"serve", "--bandwidth", "fast"}).message(), HasSubstr("`fast`"));
    EXPECT_THAT(bad({"serve", "--limit", "-3"}).message(), HasSubstr("--limit"));
    EXPECT_THAT(bad({"serve", "--fault", "fire=1"}).message(), HasSubstr("`fire=1`"));
}

TEST(arguments, every_option_is_known_by_its_own_names) {
    for (const option& o : all_options()) {
        for (std::string_view name : {o.name, o.short_name}) {
            if (name.empty()) continue;
            words w = {std::string(name)};
            // Some are another option's name with the verbs that have them.
            if (!o.verbs.empty()) w.insert(w.begin(), std::string(o.verbs.substr(0, o.verbs.find(' '))));
            if (!o.is_flag())
                w.push_back(o.value == "N"                ? "1"
                            : o.value == "N/s"            ? "500/s"
                            : o.value == "N|P%"           ? "5%"
                            : o.value == "SIZE"           ? "64MiB"
                            : o.value == "TIME"           ? "1s"
                            : o.value == "KEY"            ? "size"
                            : o.value == "WHICH"          ? "old"
                            : o.value == "DAYS"           ? "7"
                            : o.value == "on|off"         ? "on"
                            : o.value == "TIER"           ? "Cool"
                            : o.value == "MODE"           ? "fail"
                            : o.value == "TYPE"           ? "page"
                            : o.value == "PRIORITY"       ? "High"
                            : o.value == "FATE"           ? "only"
                            : o.value == "STATE"          ? "failed"
                            : o.value == "WHEN"           ? "newer"
                            : o.value == "KEY=VALUE"      ? "k=v"
                            : o.value == "RATE[:account]" ? "60MiB/s"
                            : o.value == "NAME=VALUE,..." ? "reset=0.1"
                                                          : "debug");
            w.push_back("--help");
            auto a = good(w);
            EXPECT_TRUE(a.given.seen.contains(o.name)) << name;
        }
    }
}

}  // namespace
}  // namespace act::cli
