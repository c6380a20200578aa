#include "submit/backend/layout.hpp"

#include <gtest/gtest.h>

namespace act::backend {
namespace {

cluster::config gpus(int per_node) {
    cluster::config c;
    c.platform = "slurm";
    c.gpu_per_node = per_node;
    return c;
}

layout of(const cluster::config& c, std::optional<int> asked = {}, bool single = false) {
    auto l = layout_of(c, asked, single);
    EXPECT_TRUE(l) << (l ? "" : l.error().describe());
    return l ? *l : layout{-1, -1, -1};
}

TEST(layout, up_to_a_node_is_one_and_more_are_whole_ones) {
    EXPECT_EQ(of(gpus(4), 0), (layout{0, 1, 1}));
    EXPECT_EQ(of(gpus(4), 1), (layout{1, 1, 1}));
    EXPECT_EQ(of(gpus(4), 3), (layout{3, 1, 3}));
    EXPECT_EQ(of(gpus(4), 4), (layout{4, 1, 4}));
    EXPECT_EQ(of(gpus(4), 8), (layout{8, 2, 4}));
    EXPECT_EQ(of(gpus(8), 16).gpus_per_node(), 8);
    EXPECT_EQ(of(gpus(4)), (layout{4, 1, 4})) << "a node's, when nothing is said";
    auto some = gpus(4);
    some.num_gpu = 8;
    EXPECT_EQ(of(some), (layout{8, 2, 4}));
    EXPECT_EQ(of(some, 2), (layout{2, 1, 2})) << "-n wins";
    auto here = gpus(4);
    here.platform = "local";
    EXPECT_EQ(of(here), (layout{0, 1, 1}));
    EXPECT_EQ(of(here, 8), (layout{8, 2, 4}));
}

TEST(layout, processes_of_a_node_change_no_nodes) {
    auto c = gpus(4);
    c.process_count_per_node = 2;
    EXPECT_EQ(of(c, 8), (layout{8, 2, 2}));
    EXPECT_EQ(of(c, 8, true), (layout{8, 2, 1}));
    c.multi_process = false;
    EXPECT_EQ(of(c, 4), (layout{4, 1, 1}));
}

TEST(layout, without_gpus_processes_are_counted) {
    auto c = gpus(0);
    EXPECT_EQ(of(c), (layout{0, 1, 1}));
    EXPECT_EQ(of(c, 6), (layout{0, 1, 6}));
    c.process_count_per_node = 2;
    EXPECT_EQ(of(c), (layout{0, 1, 2}));
    EXPECT_EQ(of(c, 6), (layout{0, 3, 2}));
    EXPECT_EQ(of(c, 1), (layout{0, 1, 1}));
}

TEST(layout, what_fills_no_nodes_is_refused_with_what_does) {
    auto refused = layout_of(gpus(4), 6, false);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), kind::usage);
    EXPECT_EQ(refused.error().advice(), "give -n 4 or -n 8");
    auto c = gpus(0);
    c.process_count_per_node = 2;
    EXPECT_FALSE(layout_of(c, 3, false));
    c.process_count_per_node = 0;
    EXPECT_FALSE(layout_of(c, 3, false));
    EXPECT_FALSE(layout_of(gpus(4), -1, false));
}

}  // namespace
}  // namespace act::backend
