import Foundation
import Platform
import Testing

@Suite("The system's time zones")
struct ZoneDatabaseTests {
  let directory: TemporaryDirectory
  let database: ZoneDatabase

  init() throws {
    directory = try TemporaryDirectory()
    database = ZoneDatabase(directory: directory.path("zoneinfo"))
    try createDirectories(directory.path("zoneinfo/America/Argentina"))
    for name in ["UTC", "America/New_York", "America/Argentina/Salta", "localtime", "posixrules"] {
      try directory.write("TZif2 \(name)", to: "zoneinfo/\(name)")
    }
    for name in ["Etc", "right", "posix"] {
      try createDirectories(directory.path("zoneinfo/\(name)"))
      try directory.write("TZif2", to: "zoneinfo/\(name)/GMT+5")
    }
    try directory.write("TZif2 outside", to: "outside")
    try directory.write("not a zone", to: "zoneinfo/leapseconds")
  }

  @Test(
    "A zone's bytes are found by its name",
    arguments: ["UTC", "America/New_York", "America/Argentina/Salta"])
  func found(name: String) throws {
    #expect(try database.zone(named: name) == Array("TZif2 \(name)".utf8))
  }

  @Test("Signs and digits are part of names")
  func signs() throws {
    #expect(try database.zone(named: "Etc/GMT+5") == Array("TZif2".utf8))
  }

  @Test(
    "What isn't a zone's name finds nothing",
    arguments: [
      "", "/", "..", "../outside", "America/../../outside", "/usr/share/zoneinfo/UTC", "./UTC",
      "America", "America/", "/UTC", "America//New_York", "America/./New_York", "UTC/", "UTC/x",
      "UTC\0", "UTC\n", " UTC", "Am\u{E9}rica", "America/Nowhere", "-UTC", "+5", "1UTC",
      "localtime", "posixrules", "right/GMT+5", "posix/GMT+5", "leapseconds", "tzdata.zi",
      String(repeating: "a", count: 65),
    ])
  func rejected(name: String) throws {
    #expect(try database.zone(named: name) == nil)
  }

  @Test("A file that is too large to be a zone's is an error, not a zone")
  func tooLarge() throws {
    try directory.write("TZif" + String(repeating: "x", count: 65_533), to: "zoneinfo/Large")
    #expect(
      throws: PlatformError.tooLarge(path: directory.path("zoneinfo/Large"), limit: 65_536)
    ) { try database.zone(named: "Large") }
  }

  @Test("The release is told by either file, or unknown")
  func version() throws {
    #expect(database.version == "unknown")
    try directory.write("2024a\n", to: "zoneinfo/+VERSION")
    #expect(database.version == "2024a")
    try directory.write("# version 2025b\n# This zic input", to: "zoneinfo/tzdata.zi")
    #expect(database.version == "2025b")
    for text in ["", "# version", "# version \n", "# redo", "# version 2025b x\n", "2025c\n"] {
      try directory.write(text, to: "zoneinfo/tzdata.zi")
      #expect(database.version == "2024a", "\(text)")
    }
    for text in ["", "\n", "20 24\n", String(repeating: "9", count: 33)] {
      try directory.write(text, to: "zoneinfo/+VERSION")
      #expect(database.version == "unknown", "\(text)")
    }
  }

  @Test("The system's own database has the zones that the requests use")
  func system() throws {
    let system = try #require(ZoneDatabase.system, "package tzdata isn't installed")
    for name in ["UTC", "America/New_York", "Europe/Berlin", "Etc/GMT+12", "EST5EDT"] {
      #expect(try system.zone(named: name)?.starts(with: "TZif".utf8) == true, "\(name)")
    }
    #expect(try system.zone(named: "Mars/Olympus") == nil)
    #expect(system.version.first == "2")
  }

  @Test("No variable of the environment moves the database")
  func environment() async {
    await #expect(processExitsWith: .success) { [path = directory.path as String] in
      unsafe setenv("TZDIR", path, 1)
      unsafe setenv("TZ", path, 1)
      try #require(try ZoneDatabase.system?.zone(named: "UTC")?.count ?? 0 > 10)
      try #require(try ZoneDatabase.system?.zone(named: "outside") == nil)
    }
  }
}
