#include "transfer/ops/upload_target.hpp"

#include "transfer/ops/known.hpp"
#include "transfer/plan/destination.hpp"

namespace act::ops {

namespace {

class listed_target final : public upload_target {
public:
    listed_target(plan::listing& there, std::string prefix, bool missing)
        : names_(there, std::move(prefix), missing) {}

    task<result<void>> open() override { return names_.open(); }
    name_order order() const override { return names_.order(); }
    task<result<void>> look(const std::string& name, upload_item& item) override {
        ACT_CO_TRY(item.existing, co_await names_.find(name));
        co_return result<void>();
    }

private:
    plan::destination names_;
};

class known_target final : public upload_target {
public:
    known_target(operation& op, plan::manifest& from) : items_(op, from) {}

    task<result<void>> open() override {
        ACT_CO_TRY_VOID(co_await items_.peek());
        co_return result<void>();
    }
    name_order order() const override { return name_order::bytes; }

    task<result<void>> look(const std::string& name, upload_item& item) override {
        item.by_manifest = true;
        for (;;) {
            ACT_CO_TRY(const plan::listed_item* next, co_await items_.peek());
            if (!next || next->destination > name) break;
            if (next->destination == name && !next->etag.empty()) {
                item.existing = properties_of(*next, item.blob);
                item.known = {next->hash, next->modified.has_value(), next->doubtful};
            }
            items_.advance();
        }
        co_return result<void>();
    }

private:
    known_reader items_;
};

}  // namespace

std::unique_ptr<upload_target> upload_target::listed(plan::listing& there, std::string prefix, bool missing) {
    return std::make_unique<listed_target>(there, std::move(prefix), missing);
}

std::unique_ptr<upload_target> upload_target::known(operation& op, plan::manifest& from) {
    return std::make_unique<known_target>(op, from);
}

}  // namespace act::ops
