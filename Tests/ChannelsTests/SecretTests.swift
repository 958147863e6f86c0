import Bytes
import Channels
import Dispatching
import Events
import Foundation
import Platform
import Testing

@Suite("The secrets and settings of channels that reach the network")
struct SecretTests {
  private let directory = FileManager.default.temporaryDirectory
    .appendingPathComponent("secrets-\(UUID().uuidString)").path

  private func problem(
    _ source: String, environment: [String: String] = [:]
  ) throws -> SecretProblem? {
    let configuration = try Configuration(
      parsing: Array(#"{"channels":{"hook":{"kind":"webhook","secret":\#(source)}}}"#.utf8))
    do {
      _ = try ChannelSet(
        configuration, directory: directory, environment: { environment[$0] }, print: { _ in nil })
      return nil
    } catch {
      guard case .secret(let code, _, let problem) = error else { return nil }
      #expect(code.text == "hook")
      return problem
    }
  }

  @Test("come from a file of one's own, or a variable, and are refused where others can read them")
  func sources() throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try createDirectories(directory)
    let good = "whsec_" + Base64.encode(Array(1...24))
    func write(_ text: String, _ permissions: UInt16 = 0o600) throws {
      try replaceFile("\(directory)/s", with: Array(text.utf8), permissions: permissions)
    }
    let file = #"{"file":"s"}"#
    #expect(try problem(file) == .missing)
    for text in [good, good + "\n"] {
      try write(text)
      #expect(try problem(file) == nil)
    }
    for permissions: UInt16 in [0o640, 0o604, 0o644] {
      try write(good, permissions)
      #expect(try problem(file) == .readableByOthers)
    }
    for permissions: UInt16 in [0o620, 0o602, 0o666] {
      try write(good, permissions)
      #expect(try problem(file) == .untrusted)
    }
    for text in ["", "\n", good + "\n\n", "a\nb", "a\0b", String(repeating: "a", count: 4_097)] {
      try write(text)
      #expect(try problem(file) == .malformed, "\(text.count)")
    }
    for text in [
      "whsec_", "whsec_" + Base64.encode(Array(1...23)), "whsec_" + Base64.encode(Array(1...65)),
      Base64.encode(Array(1...24)), good + "=",
    ] {
      try write(text)
      #expect(try problem(file) == .noSigningSecret, "\(text)")
    }
    #expect(try problem(#"{"env":"S"}"#) == .missing)
    #expect(try problem(#"{"env":"S"}"#, environment: ["S": good]) == nil)
    #expect(try problem(#"{"env":"S"}"#, environment: ["S": ""]) == .malformed)
  }

  @Test(
    "are refused where a key isn't known, isn't there or isn't of its form",
    arguments: [
      (#"{"kind":"smtp","from":"a@b.c"}"#, "host"), (#"{"kind":"smtp","host":"h"}"#, "from"),
      (#"{"kind":"smtp","host":"h/x","from":"a@b.c"}"#, "host"),
      (#"{"kind":"smtp","host":"h","from":"a"}"#, "from"),
      (#"{"kind":"smtp","host":"h","from":"a@b.c\r\nX: y"}"#, "from"),
      (#"{"kind":"smtp","host":"h","from":"a@b.c","from_name":"a\r\nX: y"}"#, "from_name"),
      (#"{"kind":"smtp","host":"h","from":"a@b.c","port":0}"#, "port"),
      (#"{"kind":"smtp","host":"h","from":"a@b.c","port":"25"}"#, "port"),
      (#"{"kind":"smtp","host":"h","from":"a@b.c","tls":"none"}"#, "tls"),
      (#"{"kind":"smtp","host":"h","from":"a@b.c","tls":"try"}"#, "tls"),
      (#"{"kind":"smtp","host":"h","from":"a@b.c","user":"u"}"#, "password"),
      (#"{"kind":"smtp","host":"h","from":"a@b.c","user":"u","password":"p"}"#, "password"),
      (#"{"kind":"smtp","host":"h","from":"a@b.c","user":"u","password":{}}"#, "password"),
      (#"{"kind":"smtp","host":"h","from":"a@b.c","timeout":"30"}"#, "timeout"),
      (#"{"kind":"smtp","host":"h","from":"a@b.c","timeout":"PT0S"}"#, "timeout"),
      (#"{"kind":"smtp","host":"h","from":"a@b.c","concurrency":0}"#, "concurrency"),
      (#"{"kind":"smtp","host":"h","from":"a@b.c","per_second":10001}"#, "per_second"),
      (#"{"kind":"smtp","host":"h","from":"a@b.c","hots":"x"}"#, "hots"),
      (#"{"kind":"twilio","auth_token":{"env":"T"},"from":"x"}"#, "account_sid"),
      (
        #"{"kind":"twilio","account_sid":"AC/1","auth_token":{"env":"T"},"from":"x"}"#,
        "account_sid"
      ),
      (#"{"kind":"twilio","account_sid":"AC1","auth_token":{"env":"T"}}"#, "from"),
      (
        #"{"kind":"twilio","account_sid":"AC1","auth_token":{"env":"T"},"from":"x","#
          + #""base_url":"http://example.com"}"#, "base_url"
      ),
      (#"{"kind":"webhook"}"#, "secret"),
      (#"{"kind":"webhook","secret":{"env":"S"},"allow_private":["10.0.0.1/8"]}"#, "allow_private"),
      (#"{"kind":"webhook","secret":{"env":"S","file":"f"}}"#, "secret"),
      (#"{"kind":"command"}"#, "command"), (#"{"kind":"command","command":""}"#, "command"),
    ])
  func refused(settings: String, key: String) {
    #expect {
      _ = try Configuration(parsing: Array(#"{"channels":{"c":\#(settings)}}"#.utf8))
    } throws: { error in
      (error as? RequestError)?.path == "channels.c.\(key)"
    }
  }
}
