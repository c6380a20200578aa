#include "submit/agent/ranks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace act::agent {
namespace {

using ::testing::IsSupersetOf;
using ::testing::Pair;

ranks found(const environment& e) {
    auto r = find_ranks(e);
    EXPECT_TRUE(r);
    return r.value_or(ranks{});
}

const environment slurm = {{"SLURM_PROCID", "5"},
                           {"SLURM_STEP_NUM_TASKS", "7"},
                           {"SLURM_LOCALID", "1"},
                           {"SLURM_NODEID", "1"},
                           {"SLURM_STEP_NUM_NODES", "2"},
                           {"SLURM_STEP_TASKS_PER_NODE", "4,3"},
                           {"SLURM_STEP_NODELIST", "n[08-09]"}};

TEST(agent_ranks, slurm_says_all) {
    auto r = found(slurm);
    EXPECT_EQ(r.rank, 5);
    EXPECT_EQ(r.size, 7);
    EXPECT_EQ(r.local_rank, 1);
    EXPECT_EQ(r.local_size, 3);
    EXPECT_EQ(r.node, 1);
    EXPECT_EQ(r.master, "n08");
    // What a batch script has says nothing of the processes that it starts.
    EXPECT_FALSE(find_ranks({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "7"}}));
}

TEST(agent_ranks, mpi_comes_before_slurm) {
    environment e = slurm;
    e["OMPI_COMM_WORLD_RANK"] = "6";
    e["OMPI_COMM_WORLD_SIZE"] = "8";
    e["OMPI_COMM_WORLD_LOCAL_RANK"] = "2";
    e["OMPI_COMM_WORLD_LOCAL_SIZE"] = "4";
    auto r = found(e);
    EXPECT_EQ(r.rank, 6);
    EXPECT_EQ(r.size, 8);
    EXPECT_EQ(r.local_rank, 2);
    EXPECT_EQ(r.local_size, 4);
    EXPECT_EQ(r.node, 1);
    EXPECT_EQ(r.master, "n08");
    e["AZ_BATCH_MASTER_NODE"] = "10.0.0.4:6000";
    EXPECT_EQ(found(e).master, "10.0.0.4");
    e["OMPI_COMM_WORLD_LOCAL_SIZE"] = "8";
    EXPECT_EQ(found(e).master, "127.0.0.1");
}

TEST(agent_ranks, mpirun_alone_knows_where_it_is) {
    environment e = {{"OMPI_COMM_WORLD_RANK", "1"},
                     {"OMPI_COMM_WORLD_SIZE", "2"},
                     {"OMPI_COMM_WORLD_LOCAL_RANK", "0"},
                     {"OMPI_COMM_WORLD_LOCAL_SIZE", "1"},
                     {"OMPI_MCA_orte_hnp_uri", "123.0;tcp://10.0.0.7,172.17.0.1:41235"}};
    EXPECT_EQ(found(e).node, 1);
    EXPECT_EQ(found(e).master, "10.0.0.7");
    environment intel = {
        {"PMI_RANK", "3"}, {"PMI_SIZE", "4"}, {"MPI_LOCALRANKID", "1"}, {"MPI_LOCALNRANKS", "2"}};
    EXPECT_EQ(found(intel).rank, 3);
    EXPECT_EQ(found(intel).node, 1);
    EXPECT_EQ(found(intel).local_rank, 1);
}

TEST(agent_ranks, azure_says_it_in_the_usual_names) {
    environment e = {{"AZUREML_RUN_ID", "r"},  {"RANK", "3"},      {"WORLD_SIZE", "4"},
                     {"LOCAL_RANK", "1"},      {"NODE_RANK", "1"}, {"MASTER_ADDR", "10.0.0.4"},
                     {"LOCAL_WORLD_SIZE", "2"}};
    auto r = found(e);
    EXPECT_EQ(r.rank, 3);
    EXPECT_EQ(r.size, 4);
    EXPECT_EQ(r.node, 1);
    EXPECT_EQ(r.master, "10.0.0.4");
    environment batch = {{"AZ_BATCH_JOB_ID", "j"}, {"AZ_BATCH_HOST_LIST", "10.0.0.5,10.0.0.6"}};
    EXPECT_EQ(found(batch).size, 1);
    EXPECT_EQ(found(batch).master, "10.0.0.5");
    batch = {{"AZ_BATCH_JOB_ID", "j"}, {"AZ_BATCHAI_JOB_MASTER_NODE_IP", "10.0.0.9"}};
    EXPECT_EQ(found(batch).master, "10.0.0.9");
    // Somebody's own variables are no platform's.
    EXPECT_FALSE(find_ranks({{"RANK", "3"}, {"WORLD_SIZE", "4"}}));
    EXPECT_FALSE(find_ranks({}));
}

TEST(agent_ranks, what_is_no_number_counts_as_not_said) {
    EXPECT_FALSE(find_ranks({{"OMPI_COMM_WORLD_RANK", "x"}, {"OMPI_COMM_WORLD_SIZE", "2"}}));
    EXPECT_FALSE(find_ranks({{"SLURM_PROCID", "-1"}, {"SLURM_STEP_NUM_TASKS", "2"}}));
    EXPECT_FALSE(find_ranks({{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "0"}}));
}

TEST(agent_ranks, programs_get_the_names_that_they_read) {
    auto all = rank_variables(found(slurm), "20260102-030405-k3x9q2");
    EXPECT_THAT(
        all, IsSupersetOf({Pair("RANK", "5"), Pair("WORLD_SIZE", "7"), Pair("LOCAL_RANK", "1"),
                           Pair("LOCAL_WORLD_SIZE", "3"), Pair("NODE_RANK", "1"), Pair("MASTER_ADDR", "n08"),
                           Pair("ACT_RANK", "5"), Pair("ACT_MASTER_ADDR", "n08")}));
    int port = std::stoi(all.at("MASTER_PORT"));
    EXPECT_GE(port, 20000);
    EXPECT_LT(port, 30000);
    EXPECT_EQ(rank_variables(ranks{}, "20260102-030405-k3x9q2").at("MASTER_PORT"), all.at("MASTER_PORT"));
    EXPECT_NE(rank_variables(ranks{}, "20260102-030405-abcdef").at("MASTER_PORT"), all.at("MASTER_PORT"));
    EXPECT_EQ(rank_variables(ranks{}, "r").count("MASTER_ADDR"), 0u);
}

TEST(agent_ranks, lists_of_slurm) {
    EXPECT_EQ(first_host("n1"), "n1");
    EXPECT_EQ(first_host("n1,n2"), "n1");
    EXPECT_EQ(first_host("n[003-007,9],m1"), "n003");
    EXPECT_EQ(first_host("r[1-2]n[4,6]-ib,x"), "r1n4-ib");
    EXPECT_EQ(first_host("a-b[1]"), "a-b1");
    EXPECT_EQ(first_host(""), "");
    EXPECT_EQ(tasks_of_node("4", 0), 4);
    EXPECT_EQ(tasks_of_node("4(x2),3", 1), 4);
    EXPECT_EQ(tasks_of_node("4(x2),3", 2), 3);
    EXPECT_EQ(tasks_of_node("4(x2),3", 3), std::nullopt);
    EXPECT_EQ(tasks_of_node("x", 0), std::nullopt);
}

}  // namespace
}  // namespace act::agent
