#include "tools/act/world.hpp"

int main(int argc, char** argv) { return act::cli::run_process(argc, argv); }
