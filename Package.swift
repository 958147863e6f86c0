// swift-tools-version: 6.3
import PackageDescription

/// Every target is held to the same language: Swift 6, strict memory safety, no warnings.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// A module of the ledger: what it may import is what stands in `imports`, and nothing else.
func module(_ name: String, imports: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: imports, swiftSettings: strict)
}

/// A program: one file that runs a table of commands.
func program(_ name: String, imports: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: imports, swiftSettings: strict)
}

func tests(_ name: String, imports: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: imports, swiftSettings: strict)
}

let package = Package(
  name: "dispatch-ledger",
  platforms: [.macOS(.v26)],
  products: [
    .executable(name: "dispatch-ledger", targets: ["dispatch-ledger"]),
    .executable(name: "ledger-audit", targets: ["ledger-audit"]),
  ],
  dependencies: [],
  targets: [
    // Libraries of the system, and the kernels that need the processor's own instructions.
    .systemLibrary(
      name: "CCrypto", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
    .systemLibrary(
      name: "CSQLite", pkgConfig: "sqlite3",
      providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),
    .systemLibrary(
      name: "CZstd", pkgConfig: "libzstd",
      providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
    .target(name: "CKernels"),
    // The calls of libcurl, which is loaded when something is to be sent.
    .target(name: "CCurl"),

    // Layer 0
    module("Bytes", imports: ["CKernels", "CCrypto"]),
    // Layer 1
    module("Merkle", imports: ["Bytes"]),
    module("Events", imports: ["Bytes"]),
    module("Parquet", imports: ["Bytes", "CZstd"]),
    // Layer 2
    module("EventLog", imports: ["Bytes", "Merkle"]),
    module("Dispatching", imports: ["Bytes", "Events"]),
    // Layer 3
    module("Views", imports: ["Bytes", "CSQLite", "Dispatching", "Events"]),
    module(
      "Audit",
      imports: ["Bytes", "Dispatching", "EventLog", "Events", "Merkle", "Views"]),
    module(
      "Export",
      imports: [
        "Audit", "Bytes", "Dispatching", "EventLog", "Events", "Merkle", "Parquet", "Views",
      ]),
    // The shell around them
    module("Platform", imports: ["Bytes", "EventLog"]),
    module("Channels", imports: ["Bytes", "CCurl", "Dispatching", "Events", "Platform"]),
    module(
      "Ledger",
      imports: [
        "Audit", "Bytes", "Channels", "Dispatching", "EventLog", "Events", "Merkle", "Platform",
        "Views",
      ]),
    module("CommandLineInterface", imports: ["Bytes"]),
    module("SystemConsole", imports: ["CommandLineInterface", "Platform"]),
    module(
      "Presentation",
      imports: [
        "Bytes", "CommandLineInterface", "Dispatching", "EventLog", "Events", "Platform", "Views",
      ]),
    module(
      "OperatorCommands",
      imports: [
        "Bytes", "Channels", "CommandLineInterface", "Dispatching", "EventLog", "Events", "Ledger",
        "Merkle", "Platform", "Presentation", "Views",
      ]),
    module(
      "AuditorCommands",
      imports: [
        "Audit", "Bytes", "CommandLineInterface", "Dispatching", "EventLog", "Events", "Export",
        "Merkle", "Parquet", "Platform", "Presentation",
      ]),
    program(
      "dispatch-ledger", imports: ["CommandLineInterface", "OperatorCommands", "SystemConsole"]),
    // Not installed: makes the golden ledgers, with a clock and random numbers that never change.
    program(
      "golden-ledger",
      imports: [
        "AuditorCommands", "Bytes", "CommandLineInterface", "Ledger", "OperatorCommands",
        "Platform",
      ]),
    // Not installed: measures for tools/bench.
    program(
      "ledger-bench",
      imports: [
        "Audit", "Bytes", "CSQLite", "Channels", "Dispatching", "EventLog", "Events", "Ledger",
        "Merkle", "Platform",
      ]),
    program("ledger-audit", imports: ["AuditorCommands", "CommandLineInterface", "SystemConsole"]),

    // Tests. `Simulation` holds the second implementations: the simulated disk and seeded randomness.
    .target(
      name: "Simulation", dependencies: ["Bytes", "EventLog", "Merkle"], path: "Tests/Simulation",
      swiftSettings: strict),
    // Between the torture and the system, so that calls on real files fail too.
    .target(name: "CInterposer", path: "Tests/CInterposer"),
    // Faults by the ten thousand, for the tests in small and for tools/torture at large.
    .target(
      name: "Torture",
      dependencies: [
        "Audit", "Bytes", "CInterposer", "Channels", "Dispatching", "EventLog", "Events", "Ledger",
        "Merkle", "Platform", "Simulation", "Views",
      ], path: "Tests/Torture", swiftSettings: strict),
    .executableTarget(
      name: "ledger-torture", dependencies: ["Simulation", "Torture"],
      path: "Tests/ledger-torture", swiftSettings: strict),
    // Bytes that come from anywhere, for libFuzzer (tools/fuzz) and for the test of those it kept.
    .target(
      name: "Fuzzing",
      dependencies: [
        "Audit", "Bytes", "Channels", "CommandLineInterface", "Dispatching", "EventLog", "Events",
        "Export", "Ledger", "Merkle", "OperatorCommands", "Simulation", "Torture", "Views",
      ], path: "Tests/Fuzzing", swiftSettings: strict),
    .executableTarget(
      name: "ledger-fuzz", dependencies: ["Fuzzing"], path: "Tests/ledger-fuzz",
      swiftSettings: strict),
    tests("FuzzingTests", imports: ["Fuzzing"]),
    tests("TortureTests", imports: ["EventLog", "Simulation", "Torture"]),
    tests("BytesTests", imports: ["Bytes", "Simulation"]),
    tests("MerkleTests", imports: ["Bytes", "Merkle", "Simulation"]),
    tests("EventLogTests", imports: ["Bytes", "EventLog", "Merkle", "Simulation"]),
    tests("EventsTests", imports: ["Bytes", "Events", "Simulation"]),
    tests("DispatchingTests", imports: ["Bytes", "Dispatching", "Events", "Simulation"]),
    tests("ViewsTests", imports: ["Bytes", "Dispatching", "Events", "Simulation", "Views"]),
    tests("PlatformTests", imports: ["Bytes", "EventLog", "Platform"]),
    tests(
      "ChannelsTests", imports: ["Bytes", "Channels", "Dispatching", "Events", "Platform"]),
    tests(
      "LedgerTests",
      imports: [
        "Bytes", "Channels", "Dispatching", "EventLog", "Events", "Ledger", "Platform",
        "Simulation", "Views",
      ]),
    tests(
      "ExportTests",
      imports: [
        "Audit", "Bytes", "EventLog", "Events", "Export", "Merkle", "Parquet", "Platform",
        "Simulation",
      ]),
    tests("ParquetTests", imports: ["Bytes", "Parquet", "Simulation"]),
    tests("HouseRulesTests", imports: []),
    tests(
      "AuditTests",
      imports: [
        "Audit", "Bytes", "Dispatching", "EventLog", "Events", "Ledger", "Merkle", "Platform",
        "Simulation", "Views",
      ]),
    tests(
      "ProgramTests",
      imports: [
        "AuditorCommands", "Bytes", "CommandLineInterface", "EventLog", "Ledger", "Merkle",
        "OperatorCommands", "Platform", "Simulation", "dispatch-ledger", "golden-ledger",
        "ledger-audit",
      ]),
    tests(
      "AgreementTests",
      imports: [
        "Audit", "Bytes", "EventLog", "Events", "Merkle", "Platform", "Simulation", "Torture",
      ]),
    tests(
      "CommandLineInterfaceTests", imports: ["Bytes", "CommandLineInterface", "Simulation"]),
  ]
)
