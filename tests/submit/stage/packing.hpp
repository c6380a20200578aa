#pragma once

#include <gtest/gtest.h>

#include "../support/temp_folder.hpp"
#include "submit/stage/pack.hpp"
#include "submit/stage/unpack.hpp"

namespace act::testing {

class packing_test : public ::testing::Test {
protected:
    packing_test() : runtime_(runtime_options{1, 3}) {
        options_.root = tree_.path();
        options_.folder = out_ / "code";
    }
    result<stage::report> try_pack(until u = {}) { return runtime_.run(stage::pack(runtime_, options_, u)); }
    stage::report pack() {
        auto r = try_pack();
        EXPECT_TRUE(r) << r.error().describe();
        return r ? *r : stage::report{};
    }
    std::string reason(const stage::report& r, const std::string& name) {
        for (const auto& o : r.left_out) {
            if (o.name == name) return (o.secret ? "secret: " : "") + o.reason;
        }
        return {};
    }
    act::runtime runtime_;
    temp_folder tree_, out_;
    stage::pack_options options_;
};

}  // namespace act::testing
