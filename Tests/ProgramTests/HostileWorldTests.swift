import Foundation
import Testing

/// What somebody with bad intentions puts where the programs look; `THREATS.md` says which of these tests
/// holds which line.
@Suite("A hostile world", .timeLimit(.minutes(30)))
struct HostileWorldTests {
  static let programs = ["dispatch-ledger", "ledger-audit"]

  private func sh(_ script: String, _ arguments: String...) throws -> Ended {
    try Shell.run("/bin/sh", ["-c", script, "sh"] + arguments)
  }

  private func path(of program: String) -> String {
    Shell.products.appendingPathComponent(program).path
  }

  /// The program with a gigabyte of addresses at most, and ten minutes: more than it needs anywhere, less than
  /// for ever.
  private func bounded(
    _ program: String, _ arguments: [String], input: String? = nil
  ) throws -> Ended {
    try Shell.run(
      "/bin/sh",
      [
        "-c", "ulimit -v 1048576; exec timeout -s KILL 600 \"$@\"", "sh", path(of: program),
      ] + arguments, input: input)
  }

  // MARK: - Texts

  private static let hostile =
    "\u{1B}[2J\u{7}\u{9B}31m\u{202E}txt\u{2066}\u{85}\u{2028}\u{200F}\u{7F}\r"

  /// The characters of a text that could steer a terminal, or hide in it.
  private func dangers(_ text: String) -> [String] {
    text.unicodeScalars.filter { scalar in
      switch scalar.properties.generalCategory {
      case .control: scalar != "\n"
      case .format, .lineSeparator, .paragraphSeparator: true
      default: false
      }
    }.map { String($0.value, radix: 16) }
  }

  @Test("says nothing to a terminal by what stands in events, files, arguments or the settings")
  func terminals() throws {
    let ledger = try ProgramLedger()
    let text = try #require(
      String(data: try JSONEncoder().encode(Self.hostile), encoding: .utf8))
    let request =
      #"{"program_id":1,"event_type_id":"1","start_time":"2099-08-27T21:04:00Z","attributes":{"note":\#(text),\#(text):1}}"#
    let requested = try ledger.operate(["dispatch", "-", "--json"], input: request)
    #expect(requested.status == 0, "\(requested.talk)")
    let results = try object(requested.output)["results"] as? [[String: Any]]
    let dispatch = try #require(results?.first?["dispatch"] as? String)
    for rejected in [
      #"{"program_id":9,"event_type_id":"1","start_time":"2099-08-27T21:04:00Z","n":\#(text)}"#
    ] {
      #expect(try ledger.operate(["dispatch", "-"], input: rejected).status == 1)
    }
    for (program, calls) in [
      (
        "dispatch-ledger",
        [
          ["show", "dispatch", dispatch], ["list", "dispatch"], ["status"], ["doctor"],
          ["deliver", "--dry-run"], ["config", "show"], ["show", "dispatch", Self.hostile],
          ["dispatch", Self.hostile], [Self.hostile], ["--" + Self.hostile],
          ["observe", Self.hostile, "1"],
          ["opt-out", Self.hostile], ["erase", Self.hostile, "--reason", Self.hostile, "--yes"],
          ["backup", "--keys", "/dev/null/" + Self.hostile], ["status", "--wait", Self.hostile],
        ]
      ),
      (
        "ledger-audit",
        [
          ["show", "dispatch", dispatch], ["list", "dispatch"], ["log"],
          ["log", "--fields", "data"],
          ["replay", "--all"], ["recheck"], ["verify"], ["replay", Self.hostile],
          ["log", "--program", Self.hostile], ["prove", Self.hostile],
          ["compare", Self.hostile, "."],
          ["verify", "--vkey", Self.hostile], ["export", "--format", Self.hostile, "--out", "x"],
        ]
      ),
    ] {
      for call in calls {
        let ended = try Shell.run(program, call + ["-C", ledger.path])
        #expect(dangers(ended.output) == [], "\(program) \(call)")
        #expect(dangers(ended.talk) == [], "\(program) \(call)")
      }
    }
    // Files whose names or content are hostile.
    let folder = try TemporaryFolder()
    let file = folder.path + "/\u{1B}[2J\u{202E}.json"
    try Data(#"{"\#u{1B}":1}"#.utf8).write(to: URL(fileURLWithPath: file))
    for call in [
      ["import", file], ["dispatch", file], ["append", file], ["record-export", file],
    ] {
      let ended = try ledger.operate(call)
      #expect(ended.status == 65 && dangers(ended.talk) == [], "\(call)")
    }
    try ledger.configure("{\"channels\":{\(text):{}}}")
    let settings = try ledger.operate(["config", "check"])
    #expect(settings.status == 78 && dangers(settings.talk) == [])
  }

  @Test("no cell of a table begins a formula, whoever wrote what stands in it")
  func formulas() throws {
    let ledger = try ProgramLedger()
    for sign in ["=", "+", "-", "@"] {
      let request =
        #"{"program_id":1,"event_type_id":"1","start_time":"2099-08-27T21:04:00Z","end_time":"\#(sign)cmd|' /C calc'!A0"}"#
      _ = try ledger.operate(["dispatch", "-"], input: request)
      let result =
        #"{"command":"result","provider_id":"\#(sign)1+1","outcome":"failed","code":"\#(sign)1"}"#
      #expect(try ledger.operate(["append", "-"], input: result).status == 0)
      #expect(
        try ledger.operate(
          ["dispatch", "-", "--actor=\(sign)SUM(A1)"],
          input: #"{"program_id":"9","event_type_id":"1","start_time":"2099-08-27T21:04:00Z"}"#
        ).status == 1)
    }
    let folder = try TemporaryFolder()
    let made = try Shell.run(
      "ledger-audit",
      ["export", "--format", "csv", "--out", folder.path + "/csv", "-C", ledger.path])
    #expect(made.status == 0, "\(made.talk)")
    let begun = try Shell.run(
      "/usr/bin/env",
      [
        "python3", "-c",
        """
        import csv, glob, re, sys
        rows = [row for name in glob.glob(sys.argv[1] + "/*.csv") for row in csv.reader(open(name, newline=""))]
        cells = [cell for row in rows for cell in row]
        print(sum(cell.startswith("'") for cell in cells))
        print([cell for cell in cells if re.match(r"\\s*[=+@-]", cell) and not re.fullmatch(r"-?\\d+", cell)])
        """, folder.path + "/csv",
      ])
    let lines = begun.output.split(separator: "\n")
    #expect(lines.last == "[]" && Int(lines.first ?? "0") ?? 0 >= 4, "\(begun.output)\(begun.talk)")
  }

  // MARK: - Files

  /// What a ledger is written through.
  private static let written = ["log/0000000000000000.log", "head"]
  /// What is read to write it, or written later.
  private static let others = [
    "LEDGER", "config.json", "checkpoints.log", "delivering", "index/views.db",
    "index/views.db-wal",
  ]

  private func copy(_ ledger: ProgramLedger, _ folder: TemporaryFolder) throws -> String {
    let copy = folder.path + "/l"
    #expect(try sh("rm -rf \"$2\" && cp -a \"$1\" \"$2\"", ledger.path, copy).status == 0)
    return copy
  }

  private func write(_ ledger: String) throws -> [Ended] {
    try [["observe", "s", "1", "-q"], ["deliver", "--once", "-q"], ["checkpoint", "-q"]].map {
      try Shell.run("dispatch-ledger", $0 + ["-C", ledger])
    }
  }

  @Test(
    "a link in place of a file or folder is never followed to be written, and what it leads to stays as it is",
    arguments: written + others + ["checkpoint", "log", "index", "quarantine"])
  func links(name: String) throws {
    let ledger = try ProgramLedger()
    let folder = try TemporaryFolder()
    let copy = try copy(ledger, folder)
    let victim = folder.path + "/victim"
    let moved = try sh(
      "mkdir -p \"$1/quarantine\" && mv \"$1/$3\" \"$2\" && ln -s \"$2\" \"$1/$3\" && cp -a \"$2\" \"$2.was\"",
      copy, victim, name)
    #expect(moved.status == 0, "\(moved.talk)")
    let ended = try write(copy)
    // The newest checkpoint's copy gets its name by a rename, which replaces the link.
    if name != "checkpoint" {
      #expect(
        ended.contains { $0.status != 0 || $0.talk.contains("no checkpoint was signed") },
        "\(ended)")
    }
    let differs = try Shell.run("/usr/bin/diff", ["-r", victim, victim + ".was"])
    #expect(differs.status == 0, "\(differs.output)")
  }

  @Test(
    "what others own, may write or have another name for isn't written, nor believed",
    arguments: written + others + [".", "log", "index", "keys"])
  func foreign(name: String) throws {
    let ledger = try ProgramLedger()
    let folder = try TemporaryFolder()
    var changes = ["chmod g+w", "chmod o+w"]
    // Only root may give a file away.
    if geteuid() == 0 { changes.append("chown 12345") }
    if !["LEDGER", ".", "log", "index", "keys"].contains(name) { changes.append("ln2") }
    for change in changes {
      let copy = try copy(ledger, folder)
      let changed =
        change == "ln2"
        ? try sh("ln \"$1/$2\" \"$1/other\"", copy, name)
        : try sh("\(change) \"$1/$2\"", copy, name)
      #expect(changed.status == 0, "\(changed.talk)")
      let head = try sh("cat \"$1\"/log/* \"$1/head\" | sha256sum", copy)
      let ended = try write(copy)
      let isTold = ended.contains {
        $0.status == 77 || $0.talk.contains("no checkpoint was signed") && $0.talk.contains("EPERM")
      }
      #expect(isTold, "\(change): \(ended)")
      if !["config.json", "checkpoints.log", "delivering"].contains(name) {
        #expect(
          try sh("cat \"$1\"/log/* \"$1/head\" | sha256sum", copy).output == head.output,
          "\(change)")
      }
      if name != "delivering", name != "index/views.db-wal" {
        #expect(
          try Shell.run("dispatch-ledger", ["doctor", "-C", copy]).status == 1 || name == "LEDGER",
          "\(change)")
      }
    }
  }

  @Test(
    "whatever the umask is, files are the owner's alone", arguments: ["000", "022", "277", "777"])
  func modes(umask: String) throws {
    let folder = try TemporaryFolder()
    let script = """
      umask \(umask); set -e; L="$1/l"
      "$2" init -C "$L"; "$2" import - -C "$L"; "$2" dispatch "$4" -C "$L"; "$2" deliver --once -C "$L" || test $? = 1
      "$2" backup "$1/backup" -C "$L"; "$2" backup --keys "$1/keys" -C "$L"
      "$2" erase u-1 --reason r --yes -C "$L"; "$2" rotate key -C "$L"; "$2" view rebuild -C "$L"
      for f in csv jsonl sqlite bundle parquet openadr; do "$3" export --format $f --out "$1/$f" -C "$L"; done
      "$3" replay --all --out "$1/replay" -C "$L"; "$3" log --cursor-file "$1/cursor" -C "$L"
      """
    let ended = try Shell.run(
      "/bin/sh",
      [
        "-c", script, "sh", folder.path, path(of: "dispatch-ledger"), path(of: "ledger-audit"),
        ProgramLedger.requests + "/closed-ended.json",
      ], input: ProgramLedger.catalogue)
    #expect(ended.status == 0, "\(ended.talk)")
    let found = try sh(
      "cd \"$1\"; find l backup keys replay csv jsonl sqlite bundle parquet openadr cursor -printf '%y %m %p\\n'",
      folder.path)
    let lines = found.output.split(separator: "\n")
    #expect(lines.count > 60)
    for line in lines {
      #expect(line.hasPrefix("d 700 ") || line.hasPrefix("f 600 "), "\(line)")
    }
  }

  @Test("no name from outside leads out of where it belongs")
  func names() throws {
    let ledger = try ProgramLedger()
    let folder = try TemporaryFolder()
    let lines = try ledger.eventLines().count
    for name in [
      "../x", "..", "a/b", "/etc/passwd", ".", "a\u{0}b", String(repeating: "a", count: 200),
    ] {
      let text = try #require(String(data: try JSONEncoder().encode(name), encoding: .utf8))
      for request in [
        #"{"dispatch_id":\#(text),"program_id":1,"event_type_id":"1","start_time":"2099-08-27T21:04:00Z"}"#,
        #"{"program_id":\#(text),"event_type_id":"1","start_time":"2099-08-27T21:04:00Z"}"#,
      ] {
        let ended = try ledger.operate(["dispatch", "-"], input: request)
        #expect(
          ended.status == 65 || ended.output.contains("attributes: dispatch_id"), "\(request)")
      }
      let catalogue = #"{"users":[{"id":\#(text),"name":"A","contacts":{}}]}"#
      #expect(try ledger.operate(["import", "-"], input: catalogue).status == 65)
      if !name.contains("\u{0}") {
        for call in [["replay", name, "--out", folder.path], ["show", "user", name]] {
          #expect(try Shell.run("ledger-audit", call + ["-C", ledger.path]).status != 0)
        }
        #expect(try ledger.operate(["erase", name, "--reason", "r", "--yes"]).status != 0)
      }
    }
    #expect(try !ledger.eventLines().dropFirst(lines).contains { $0.contains(".defined.v1") })
    // A bag that lists what isn't in it, and folders that are links.
    let bag = folder.path + "/bag"
    let made = try Shell.run(
      "ledger-audit", ["export", "--format", "bundle", "--out", bag, "-C", ledger.path])
    #expect(made.status == 0)
    let digest = String(repeating: "0", count: 64)
    try Data("\(digest)  ../../../../../../etc/passwd\n".utf8)
      .write(to: URL(fileURLWithPath: bag + "/manifest-sha256.txt"))
    let vkey = try String(contentsOfFile: bag + "/data/vkey", encoding: .utf8)
    let checked = try Shell.run("ledger-audit", ["proof", "check", bag, "--vkey", vkey])
    #expect(checked.status == 4 && !checked.output.contains("root:"))
    // Where files are written, a link that somebody has put there isn't followed.
    let victim = folder.path + "/victim"
    try Data("kept".utf8).write(to: URL(fileURLWithPath: victim))
    for format in ["jsonl", "sqlite"] {
      let out = folder.path + "/\(format)"
      for name in [out, out + ".partial"] {
        try FileManager.default.createSymbolicLink(atPath: name, withDestinationPath: victim)
      }
      let ended = try Shell.run(
        "ledger-audit", ["export", "--format", format, "--out", out, "-C", ledger.path])
      #expect(ended.status != 0, "\(format)")
    }
    for name in ["log", "quarantine", "head", "LEDGER", "config.json"] {
      let copy = folder.path + "/backup-\(name)"
      try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: false)
      try FileManager.default.createSymbolicLink(
        atPath: "\(copy)/\(name)", withDestinationPath: victim)
      _ = try ledger.operate(["backup", copy])
    }
    #expect(try String(contentsOfFile: victim, encoding: .utf8) == "kept")
  }

  // MARK: - Sizes

  @Test("files of 4 GiB are refused or passed over with a gigabyte of memory")
  func sparse() throws {
    let ledger = try ProgramLedger()
    let folder = try TemporaryFolder()
    let big = folder.path + "/big"
    #expect(try sh("truncate -s 4G \"$1\"", big).status == 0)
    for call in [
      ["import", big], ["dispatch", big], ["append", big], ["result", big], ["record-export", big],
      ["import", "--format", "openadr", big],
    ] {
      let ended = try bounded("dispatch-ledger", call + ["-C", ledger.path])
      #expect(ended.status == 65, "\(call): \(ended.status) \(ended.talk)")
    }
    for call in [
      ["proof", "check", big, "--vkey", big], ["verify", "--pinned", big, "-C", ledger.path],
    ] {
      let ended = try bounded("ledger-audit", call)
      #expect([64, 65].contains(ended.status), "\(call): \(ended.status) \(ended.talk)")
    }
    for (name, statuses) in [
      ("LEDGER", [65]), ("config.json", [65, 78]), ("head", [0]), ("checkpoint", [0]),
      ("checkpoints.log", [0]), ("keys/idempotency-key", [65]), ("keys/users/00", [0, 65]),
      ("keys/erased", [0]),
    ] {
      let copy = try copy(ledger, folder)
      #expect(try sh("truncate -s 4G \"$1\"", "\(copy)/\(name)").status == 0)
      let call = name == "config.json" ? ["deliver", "--once"] : ["observe", "s", "1"]
      let ended = try bounded("dispatch-ledger", call + ["-C", copy])
      #expect(statuses.contains(Int(ended.status)), "\(name): \(ended.status) \(ended.talk)")
    }
    // A segment that nobody wrote.
    let copy = try copy(ledger, folder)
    #expect(try sh("truncate -s 4G \"$1\"", copy + "/log/0000000000000006.log").status == 0)
    #expect(try bounded("dispatch-ledger", ["observe", "s", "1", "-C", copy]).status == 4)
    #expect(try bounded("ledger-audit", ["verify", "-C", copy]).status == 4)
  }

  @Test("a thousand levels of JSON are refused at the seventeenth, wherever they stand")
  func depth() throws {
    let ledger = try ProgramLedger()
    let deep =
      String(repeating: #"{"a":"#, count: 1_000) + "1" + String(repeating: "}", count: 1_000)
    let list = String(repeating: "[", count: 1_000) + String(repeating: "]", count: 1_000)
    for text in [
      deep, list, #"{"users":[\#(deep)]}"#, #"{"command":"import","catalogue":\#(deep)}"#,
    ] {
      for call in [
        ["import", "-"], ["dispatch", "-"], ["append", "-"], ["result", "-"],
        ["record-export", "-"],
        ["import", "--format", "openadr", "-"],
      ] {
        let ended = try bounded("dispatch-ledger", call + ["-C", ledger.path], input: text)
        #expect(ended.status == 65, "\(call): \(ended.status) \(ended.talk.prefix(200))")
      }
    }
    try ledger.configure(deep)
    #expect(try bounded("dispatch-ledger", ["deliver", "--once", "-C", ledger.path]).status == 78)
    // As a line of the log, behind what is durable.
    let file = ledger.path + "/log/0000000000000000.log"
    let handle = try #require(FileHandle(forWritingAtPath: file))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data((deep + "\n").utf8))
    try handle.close()
    #expect(try bounded("ledger-audit", ["verify", "-C", ledger.path]).status == 5)
    #expect(try bounded("ledger-audit", ["log", "-C", ledger.path]).status == 0)
  }

  /// Appends a commit line that is valid by itself and claims so many events and bytes.
  private func claim(_ ledger: String, count: Int, bytes: Int, body: String) throws {
    let made = try Shell.run(
      "/usr/bin/env",
      [
        "python3", "-B", "-c",
        """
        import importlib.util, json, sys
        sys.path.insert(0, sys.argv[1] + "/tools")
        loader = importlib.util.spec_from_file_location("v", sys.argv[1] + "/tools/verify-ledger.py")
        v = importlib.util.module_from_spec(loader); sys.modules["v"] = v; loader.loader.exec_module(v)
        ledger, count, size, body = sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
        path = "log/0000000000000000.log"
        identity = json.load(open(ledger + "/LEDGER"))
        data = open(ledger + "/" + path, "rb").read()
        events = sum(line.startswith(b"{") for line in data.split(b"\\n"))
        old = [line for line in data.split(b"\\n") if line.startswith(b"#commit ")][-1].decode()
        fields = dict(word.split("=") for word in old.split()[1:])
        line = "#commit first=%016d count=%05d bytes=%07d time=%s body=00000000 root=%s durable=%016d segment=%s offset=%s crc=" % (
          events, count, size, fields["time"], fields["root"], events, fields["segment"], fields["offset"])
        place = "%s %s %d\\n" % (identity["ledger_id"], path, len(data))
        line += "%08x\\n" % v.crc32c((place + line).encode())
        open(ledger + "/" + path, "ab").write(line.encode() + body.encode())
        """, ProgramLedger.repository, ledger, "\(count)", "\(bytes)", body,
      ])
    #expect(made.status == 0, "\(made.talk)")
  }

  @Test("a commit that claims more than there is, or than there may be, costs what there is")
  func claims() throws {
    let ledger = try ProgramLedger()
    let folder = try TemporaryFolder()
    for (count, bytes, body) in [
      (99_999, 9_999_999, ""), (65_536, 8_388_608, "{}\n"), (99_999, 9_999_999, "{\"a\":1}\n"),
      (1, 8_388_608, ""), (0, 0, ""),
    ] {
      let copy = try copy(ledger, folder)
      try claim(copy, count: count, bytes: bytes, body: body)
      let lines = try sh("grep -ch '^{' \"$1\"/log/*.log", copy).output
      for (program, call) in [("ledger-audit", ["verify"]), ("ledger-audit", ["log"])] {
        let ended = try bounded(program, call + ["-C", copy])
        #expect(
          [0, 4, 5].contains(ended.status), "\(count) \(call): \(ended.status) \(ended.talk)")
      }
      let ended = try bounded("dispatch-ledger", ["observe", "s", "1", "-C", copy])
      #expect([0, 4, 5].contains(ended.status), "\(count): \(ended.status) \(ended.talk)")
      #expect(Int(lines.dropLast()) != nil)
    }
  }

  // MARK: - Secrets

  @Test("no secret is in arguments, output, events or files but the one that holds it")
  func secrets() throws {
    let ledger = try ProgramLedger()
    let secret = "s3cretcanary"
    let token = "t0kencanary"
    let hook = "whsec_" + Data("hookcanary-hookcanary-hookcanary".utf8).base64EncodedString()
    func put(_ text: String, _ name: String) throws {
      let path = ledger.path + "/keys/" + name
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }
    try put(secret, "mail")
    try put(hook, "hook")
    // Nobody answers at any of these; the command prints what it was started with.
    try ledger.configure(
      #"""
      {"channels":{
        "email":{"kind":"smtp","host":"127.0.0.1","port":9,"tls":"none","user":"u","password":{"file":"keys/mail"},"from":"a@example.com"},
        "sms":{"kind":"twilio","account_sid":"AC1","auth_token":{"env":"TOKEN"},"from":"+15550000000","base_url":"http://127.0.0.1:9"},
        "webhook":{"kind":"webhook","secret":{"file":"keys/hook"},"allow_http":true,"allow_private":["127.0.0.0/8"]}}}
      """#)
    let catalogue = #"""
      {"programs":[{"id":1,"name":"P","time_zone":"UTC","communication_codes":["sms","email","webhook"]}],
       "users":[
        {"id":"u-1","name":"A","user_group_ids":["industrial"],"contacts":{"sms":"+15551234567"}},
        {"id":"u-2","name":"B","user_group_ids":["industrial"],"contacts":{"email":"b@example.com"}},
        {"id":"u-3","name":"C","user_group_ids":["industrial"],"contacts":{"webhook":"http://127.0.0.1:9/"}}]}
      """#
    #expect(try ledger.operate(["import", "-"], input: catalogue).status == 0)
    let request = #"{"program_id":1,"event_type_id":"1","start_time":"2099-08-27T21:04:00Z"}"#
    #expect(try ledger.operate(["dispatch", "-"], input: request).status == 0)
    let calls = [
      "deliver --once --log-file \"$1/operational.log\"", "config show", "config show --json",
      "config check",
      "doctor", "doctor --json", "status --json", "deliver test email a@example.com",
      "deliver test sms +15551234567", "deliver --dry-run --json", "list attempt",
    ]
    var said = ""
    for call in calls {
      let ended = try sh(
        "export TOKEN=\(token); exec strace -f -s 4096 -e trace=execve -o \"$1.trace\" \"$2\" \(call) -C \"$1\"",
        ledger.path, path(of: "dispatch-ledger"))
      said += ended.output + ended.talk
      let trace = ledger.path + ".trace"
      said += try String(contentsOfFile: trace, encoding: .utf8)
      try FileManager.default.removeItem(atPath: trace)
    }
    #expect(said.contains("attempts"))
    let key = String(hook.dropFirst(6))
    for word in [secret, token, key] {
      #expect(!said.contains(word))
      let found = try Shell.run("/usr/bin/grep", ["-rlaF", "-e", word, ledger.path]).output
      #expect(
        found == (word == token ? "" : "\(ledger.path)/keys/\(word == secret ? "mail" : "hook")\n"))
    }
    let copy = ledger.path + "-copy"
    defer { try? FileManager.default.removeItem(atPath: copy) }
    #expect(try ledger.operate(["backup", copy]).status == 0)
    #expect(try Shell.run("/usr/bin/grep", ["-rlaF", "-e", "canary", copy]).output.isEmpty)
  }
}
