import Foundation
import Simulation
import Testing

@Suite("OpenADR, by the programs")
struct OpenADRProgramTests {
  /// A directory that goes with the last reference.
  private final class Folder {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("openadr-\(UUID().uuidString)").path

    init() throws {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  private static let schema = ProgramLedger.repository + "/ledger/vectors/openadr-3.1.json"
  private static let golden = ["first-day", "recheck-sound", "small-segments"].map {
    "\(ProgramLedger.repository)/ledger/golden/\($0)/ledger"
  }

  private func export(_ ledger: String, _ out: String, _ more: [String] = []) throws -> Ended {
    let ended = try Shell.run(
      "ledger-audit", ["export", "-C", ledger, "--format", "openadr", "--out", out] + more)
    #expect(ended.status == 0, "\(ended.talk)")
    return ended
  }

  private func objects(_ path: String) throws -> [[String: Any]] {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
  }

  /// What a JSON Schema validator says of the three files.
  private func validate(_ folder: String) throws {
    for (file, name) in [
      ("programs", "program"), ("events", "event"), ("events", "eventRequest"),
      ("reports", "reportRequest"),
    ] {
      let said = try runTestPython(
        "check_openadr.py", [Self.schema, name, "\(folder)/\(file).json"])
      #expect(said.status == 0, "\(file): \(said.output)")
    }
  }

  private func request(_ ledger: ProgramLedger, _ fields: String) throws -> String {
    let ended = try ledger.operate(
      ["dispatch", "-", "--json"], input: #"{"program_id":1,"event_type_id":"1",\#(fields)}"#)
    let results = try object(ended.output)["results"] as? [[String: Any]]
    return try #require(results?.first?["dispatch"] as? String, "\(ended.talk)")
  }

  /// A ledger whose dispatches have all that OpenADR has a place for, and what it hasn't.
  private func called() throws -> (ledger: ProgramLedger, ids: [String]) {
    let ledger = try ProgramLedger()
    let closed = try request(
      ledger,
      #"""
      "start_time":"06/12/2040 15:00","end_time":"06/12/2040 17:30","setpoint_kw":"41.75",
      "simple_level":2,"instruction":["shed","A"],"feeder":12
      """#)
    let open = try request(
      ledger, #""start_time":"2040-06-13T15:00:00.25Z","setpoint_relative_kw":-5"#)
    let gone = try request(
      ledger, #""start_time":"2040-06-14T15:00:00Z","end_time":"2040-06-14T16:00:00Z""#)
    _ = try request(ledger, #""start_time":"2040-06-15T15:00:00Z","test":true"#)
    _ = try request(
      ledger, #""start_time":"2040-06-16T15:00:00Z","execute_at":"2040-06-15T15:00:00Z""#)
    _ = try ledger.operate(
      ["dispatch", "-"],
      input: #"{"program_id":9,"event_type_id":"1","start_time":"2040-06-16T15:00:00Z"}"#)
    #expect(try ledger.operate(["cancel", gone, "--reason", "in error"]).status == 0)
    let longer = ["modify", closed, "--end", "06/12/2040 18:00", "--reason", "longer"]
    #expect(try ledger.operate(longer).status == 0)
    return (ledger, [closed, open, gone])
  }

  @Test("what is exported is valid, the same at each call, and counted", arguments: golden)
  func goldenIsValid(ledger: String) throws {
    let folder = try Folder()
    for name in ["a", "b"] {
      _ = try export(ledger, "\(folder.path)/\(name)")
    }
    try validate(folder.path + "/a")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/a").sorted()
    #expect(names == ["events.json", "manifest.json", "programs.json", "reports.json"])
    #expect(
      FileManager.default.contentsEqual(
        atPath: folder.path + "/a", andPath: folder.path + "/b"))
    #expect(try !objects(folder.path + "/a/events.json").isEmpty)
    let again = try Shell.run(
      "ledger-audit",
      ["export", "-C", ledger, "--format", "openadr", "--out", folder.path + "/a", "--resume"])
    #expect(again.status == 0, "\(again.talk)")
  }

  @Test("a schema that took everything would be noticed")
  func schemaRefuses() throws {
    let bad = try TemporaryText(
      #"""
      [{"eventName":"a"},{"programID":"p","intervals":null},{"programID":"a b"},
       {"programID":"p","targets":[{"type":"GROUP","values":["a"]}]},
       {"programID":"p","intervalPeriod":{"start":"yesterday"}},
       {"programID":"p","intervalPeriod":{"duration":null}},
       {"programID":"p","intervals":[{"id":0,"payloads":[{"type":"SIMPLE","values":[4]}]}]}]
      """#)
    let said = try runTestPython("check_openadr.py", [Self.schema, "eventRequest", bad.path])
    #expect(said.status == 1)
    #expect(said.output.split(separator: "\n").count == 7, "\(said.output)")
  }

  @Test("times, amounts, targets, cancelled and open ends are said; all else is counted")
  func says() throws {
    let (folder, (ledger, ids)) = (try Folder(), try called())
    _ = try export(ledger.path, folder.path + "/out")
    try validate(folder.path + "/out")
    let events = try objects(folder.path + "/out/events.json")
    #expect(events.map { $0["id"] as? String } == ids)
    #expect(events.map { $0["eventName"] as? String } == ids)
    #expect(events.allSatisfy { $0["targets"] as? [String] == ["industrial"] })
    let periods = events.map { $0["intervalPeriod"] as? [String: String] }
    #expect(
      periods == [
        ["start": "2040-06-12T19:00:00.000000Z", "duration": "PT3H"],
        ["start": "2040-06-13T15:00:00.250000Z", "duration": "P9999Y"],
        ["start": "0001-01-01T00:00:00Z", "duration": "PT0S"],
      ])
    let text = try String(contentsOfFile: folder.path + "/out/events.json", encoding: .utf8)
    let said =
      #""intervals":[{"id":0,"payloads":[{"type":"DISPATCH_SETPOINT","values":[41.75]},"#
      + #"{"type":"SIMPLE","values":[2]},{"type":"DISPATCH_INSTRUCTION","values":["shed","A"]}]}]"#
    #expect(text.contains(said))
    #expect(!text.contains("null") && !text.contains("feeder"))
    #expect(events.map { $0["intervals"] != nil } == [true, false, false])
    let manifest = try object(
      String(contentsOfFile: folder.path + "/out/manifest.json", encoding: .utf8))
    var left = try #require(manifest["left_out"] as? [String: Any])
    // What has no payload is named, too: a setpoint below 0.
    let named = try #require(left.removeValue(forKey: "payloads_of") as? [String])
    #expect(named.count == 1 && named[0].hasPrefix(ids[1]) || named[0].hasPrefix(ids[2]))
    let leftOut = left as? [String: String]
    #expect(
      leftOut == [
        "drills": "1", "not_executed": "1", "payloads": "1", "rejected_requests": "1",
        "retired_programs": "0", "without_targets": "0",
      ])
    let reports = try objects(folder.path + "/out/reports.json")
    // A request each, and a modify and a cancel.
    #expect(reports.map { $0["eventID"] as? String } == ids + [ids[2], ids[0]])
    let names = (reports[0]["resources"] as? [[String: Any]])?.map { $0["resourceName"] as? String }
    #expect(names == ["u-1", "u-2"])
  }

  @Test("a filter chooses dispatches, with the programs that they call")
  func filtered() throws {
    let (folder, (ledger, ids)) = (try Folder(), try called())
    _ = try export(ledger.path, folder.path + "/out", ["--dispatch", ids[1]])
    try validate(folder.path + "/out")
    #expect(try objects(folder.path + "/out/events.json").map { $0["id"] as? String } == [ids[1]])
    #expect(try objects(folder.path + "/out/programs.json").count == 1)
    #expect(try objects(folder.path + "/out/reports.json").count == 1)
  }

  /// A ledger with groups, users and the type that the other one's programs need.
  private func other() throws -> ProgramLedger {
    let ledger = try ProgramLedger()
    let catalogue = ProgramLedger.catalogue.replacingOccurrences(of: "Peak", with: "Another")
    #expect(try ledger.operate(["import", "-"], input: catalogue).status == 0)
    return ledger
  }

  @Test("what one ledger exports another one imports: the same programs, times and amounts")
  func roundTrip() throws {
    let (folder, (ledger, _)) = (try Folder(), try called())
    let more =
      #"{"programs":[{"id":"night","name":"Night, \"late\"","time_zone":"Europe/Berlin","#
      + #""communication_codes":["sms"],"lead_time":"PT2H","late_notice":"suppress","#
      + #""quiet_hours":{"from":"22:00","to":"06:00","what":"defer"},"caps":{"dispatches_per_season":3},"#
      + #""event_type_ids":["1"],"attributes":{"market":"DE"}}]}"#
    #expect(try ledger.operate(["import", "-"], input: more).status == 0)
    _ = try export(ledger.path, folder.path + "/one")
    let second = try other()
    for file in ["programs", "events"] {
      let path = "\(folder.path)/one/\(file).json"
      let ended = try second.operate(["import", "--format", "openadr", path])
      #expect(ended.status == 0, "\(ended.talk)\(ended.output)")
    }
    _ = try export(second.path, folder.path + "/two")
    try validate(folder.path + "/two")
    let (ours, theirs) = (
      try objects(folder.path + "/one/events.json"), try objects(folder.path + "/two/events.json")
    )
    // What was cancelled before anybody was called isn't called.
    #expect(theirs.count == 2)
    for key in ["intervalPeriod", "intervals", "payloadDescriptors", "targets", "programID"] {
      for (one, two) in zip(ours, theirs) {
        #expect((one[key] as? NSObject) == (two[key] as? NSObject), "\(key)")
      }
    }
    let night = try [ledger, second].map { ledger in
      try ledger.eventLines().filter { $0.contains(#""subject":"program/night""#) }
        .map { try object($0)["data"] as? NSDictionary }
    }
    #expect(night[0].count == 1 && night[0] == night[1])
    // The program that stood there stays as it was.
    #expect(try second.operate(["show", "program", "1"]).output.contains("Another Relief"))
    let before = try second.eventLines()
    for file in ["programs", "events"] {
      let path = "\(folder.path)/one/\(file).json"
      #expect(try second.operate(["import", "--format", "openadr", path]).status == 0)
    }
    #expect(try second.eventLines() == before)
    #expect(try second.verify().status == 0)
    let recheck = try Shell.run("ledger-audit", ["recheck", "-C", second.path])
    #expect(recheck.status == 0, "\(recheck.output)")
  }

  private func event(
    _ period: String, _ more: String = #","targets":["industrial"]"#
  ) -> String {
    #"{"id":"vtn-7","programID":"1","intervalPeriod":{\#(period)}\#(more)}"#
  }

  private static let hour = #""start":"2040-06-12T19:00:00Z","duration":"PT1H""#

  @Test("an event is kept to the byte, and what isn't understood is named")
  func kept() throws {
    let ledger = try ProgramLedger()
    let text = event(
      Self.hour,
      #"""
      ,"targets" : [ "industrial" ],"priority":0.0,"note":"\u00e9",
        "intervals":[{"id":0,"payloads":[{"type":"PRICE","values":[1.5e0]}]}]
      """#)
    let ended = try ledger.operate(
      ["import", "--format", "openadr", "-", "--json"], input: "[\n\(text)\n]")
    #expect(ended.status == 0, "\(ended.talk)")
    let results = try object(ended.output)["events"] as? [[String: Any]]
    let result = try #require(results?.first)
    #expect(result["outcome"] as? String == "requested")
    #expect(
      result["not_mapped"] as? [String] == [
        "[0].note", "[0].priority", "[0].intervals[0].payloads[0] PRICE",
      ])
    let line = try #require(
      try ledger.eventLines().first { $0.contains(#""type":"dispatch.requested.v1""#) })
    let data = try object(line)["data"] as? [String: Any]
    let origin = (data?["attributes"] as? [String: Any])?["openadr"] as? [String: String]
    #expect(origin == ["event_id": "vtn-7", "original": text])
  }

  @Test("an event that was cancelled since cancels its dispatch, once")
  func cancelled() throws {
    let ledger = try ProgramLedger()
    let gone = event(#""start":"0001-01-01","duration":"PT0S""#)
    let never = try ledger.operate(["import", "--format", "openadr", "-"], input: gone)
    #expect(never.status == 0 && never.output.contains("nothing to do"))
    let count = try ledger.eventLines().count
    for _ in 0..<2 {
      let call = ["import", "--format", "openadr", "-"]
      #expect(try ledger.operate(call, input: event(Self.hour)).status == 0)
    }
    let lines = try ledger.eventLines()
    #expect(lines.count == count + 2)
    for _ in 0..<2 {
      #expect(
        try ledger.operate(["import", "--format", "openadr", "-"], input: gone).status == 0)
    }
    let types = try ledger.eventLines()[lines.count...].map { try object($0)["type"] as? String }
    #expect(types.filter { $0 == "dispatch.cancelled.v1" }.count == 1)
    let back = try ledger.operate(
      ["import", "--format", "openadr", "-"],
      input: event(#""start":"2040-06-12T20:00:00Z","duration":"PT1H""#))
    #expect(back.status == 3)
  }

  @Test("an event with other times than its dispatch is refused, until the dispatch has them")
  func changed() throws {
    let ledger = try ProgramLedger()
    let call = ["import", "--format", "openadr", "-"]
    #expect(try ledger.operate(call, input: event(Self.hour)).status == 0)
    let longer = event(#""start":"2040-06-12T19:00:00Z","duration":"PT2H""#)
    let count = try ledger.eventLines().count
    let another = event(Self.hour).replacingOccurrences(of: "vtn-7", with: "vtn-8")
    let refused = try ledger.operate(call, input: "[\(another),\(longer)]")
    #expect(refused.status == 3 && refused.talk.contains("vtn-7"), "\(refused.talk)")
    #expect(try ledger.eventLines().count == count)
    let list = try ledger.operate(["list", "dispatch", "--json"]).output
    let line = try #require(
      try ledger.eventLines().first { $0.contains(#""type":"dispatch.requested.v1""#) })
    let id = try #require((object(line)["data"] as? [String: Any])?["dispatch_id"] as? String)
    #expect(list.contains(id))
    let modify = ["modify", id, "--end", "2040-06-12T21:00:00Z", "--reason", "the VTN says so"]
    #expect(try ledger.operate(modify).status == 0)
    let taken = try ledger.operate(call, input: longer)
    #expect(taken.status == 0 && taken.output.contains("has its times"), "\(taken.talk)")
    #expect(!taken.output.contains("not kept"))
    // Amounts, targets and all else that came since are named one by one, and nothing is appended.
    let before = try ledger.eventLines()
    let more = #"""
      ,"targets":["industrial","hvac"],"priority":1,"eventName":"night",
      "payloadDescriptors":[{"payloadType":"DISPATCH_SETPOINT","units":"KW"}],
      "intervals":[{"id":0,"payloads":[{"type":"DISPATCH_SETPOINT","values":[7]},
        {"type":"PRICE","values":[1]}]}]
      """#
    let other = event(#""start":"2040-06-12T19:00:00Z","duration":"PT2H""#, more)
    let said = try ledger.operate(call + ["--json"], input: other)
    let results = try object(said.output)["events"] as? [[String: Any]]
    #expect(results?.first?["outcome"] as? String == "same-times")
    #expect(
      results?.first?["not_kept"] as? [String] == [
        "eventName", "targets", "intervals[0].payloads DISPATCH_SETPOINT", "priority",
        "intervals[0].payloads[1] PRICE",
      ], "\(said.output)")
    #expect(results?.first?["not_mapped"] == nil)
    let told = try ledger.operate(call, input: other).output
    #expect(told.contains("not kept") && told.contains("targets, intervals[0]"), "\(told)")
    #expect(try ledger.eventLines() == before)
  }

  @Test("what a ledger exported is known to it again, also by the name, and called no second time")
  func own() throws {
    let (folder, (ledger, ids)) = (try Folder(), try called())
    _ = try export(ledger.path, folder.path + "/out")
    let events = try String(contentsOfFile: folder.path + "/out/events.json", encoding: .utf8)
    let before = try ledger.eventLines()
    var renamed = events
    for (index, id) in ids.enumerated() {
      renamed = renamed.replacingOccurrences(of: #""id":"\#(id)""#, with: #""id":"vtn-\#(index)""#)
    }
    #expect(renamed != events)
    for text in [events, renamed] {
      let ended = try ledger.operate(["import", "--format", "openadr", "-"], input: text)
      #expect(ended.status == 0, "\(ended.talk)")
      for id in ids { #expect(ended.output.contains("dispatch \(id) ")) }
    }
    #expect(try ledger.eventLines() == before)
  }

  @Test("3.0.1 is read as what 3.1 would say")
  func older() throws {
    let ledger = try ProgramLedger()
    let text = #"""
      [{"id":"tou","objectType":"PROGRAM","programName":"TOU","programLongName":"Time of Use",
        "timeZoneOffset":"-PT5H","bindingEvents":true,"targets":null},
       {"id":"e-1","objectType":"EVENT","programID":"tou","eventName":null,
        "targets":[{"type":"GROUP","values":["industrial"]}],
        "intervalPeriod":{"start":"2040-06-12T19:00:00Z","duration":"PT1H","randomizeStart":null},
        "intervals":[{"id":0,"payloads":[{"type":"SIMPLE","values":[1]}]}]}]
      """#
    let call = ["import", "--format", "openadr", "-"]
    let lacking = try ledger.operate(call, input: text)
    #expect(lacking.status == 65 && lacking.talk.contains("--time-zone"), "\(lacking.talk)")
    let given = ["--time-zone", "America/New_York", "--channels", "sms,console"]
    let ended = try ledger.operate(call + given, input: text)
    #expect(ended.status == 0, "\(ended.talk)")
    let shown = try ledger.operate(["show", "program", "tou"]).output
    #expect(shown.contains("Time of Use") && shown.contains("America/New_York"))
    let lines = try ledger.eventLines()
    let called = lines.filter { $0.contains(#""type":"dispatch.requested.v1""#) }
    #expect(called.count == 1 && called[0].contains(#""simple_level":1"#))
    #expect(try ledger.operate(call + given, input: text).status == 0)
    #expect(try ledger.eventLines() == lines)
  }

  @Test("what has no sound meaning is refused with its field, and nothing is appended")
  func refusals() throws {
    let ledger = try ProgramLedger()
    #expect(
      try ledger.operate(
        ["import", "-"],
        input: #"{"event_types":[{"id":"2","name":"Twin","user_group_ids":["industrial"]}]}"#
      ).status == 0)
    let count = try ledger.eventLines().count
    let good = event(Self.hour)
    let cases: [(text: String, options: [String], status: Int32, words: String)] = [
      (good, [], 65, "targets"), (good, ["--event-type", "9"], 65, "'9'"),
      (event(Self.hour, ""), [], 65, "targets"),
      (event(Self.hour, #","targets":["ven-1"]"#), [], 65, "none has these"),
      (
        good.replacingOccurrences(of: #""1""#, with: #""p-9""#), ["--event-type", "1"], 65,
        "programID"
      ),
      ("[\(good),\(event(#""start":"soon""#))]", ["--event-type", "1"], 65, "[1].intervalPeriod"),
      (good, ["--event-type", "1", "--key", "k"], 64, "--key"),
      (#"{"objectType":"PROGRAM","id":"x","programName":"x"}"#, [], 65, "--time-zone"),
      (
        #"{"id":"x","programName":"x"}"#, ["--time-zone", "Mars", "--channels", "SMS"], 65,
        "communication_codes"
      ),
      (
        #"{"id":"x","programName":"x","attributes":[{"type":"LEDGER_PROGRAM","#
          + #""values":["{\"id\":\"y\"}"]}]}"#, [], 65, "values[0].id contradicts id"
      ),
    ]
    for (text, options, status, words) in cases {
      let ended = try ledger.operate(
        ["import", "--format", "openadr", "-"] + options, input: text)
      #expect(ended.status == status, "\(text): \(ended.talk)")
      #expect(ended.talk.contains(words), "\(ended.talk)")
    }
    #expect(try ledger.eventLines().count == count)
    let chosen = try ledger.operate(
      ["import", "--format", "openadr", "-", "--event-type", "2"], input: good)
    #expect(chosen.status == 0 && chosen.output.contains("not understood: targets"))
    for option in [["--event-type", "1"], ["--time-zone", "UTC"], ["--channels", "sms"]] {
      let ended = try ledger.operate(["import", "-"] + option, input: "{}")
      #expect(ended.status == 64, "\(option)")
    }
  }
}
