import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { readPool } from '../../../src/cluster/pool-file.ts';
import { poolFileSchema } from '../../../src/cluster/pool-schema.ts';
import type { Pool } from '../../../src/cluster/pool.ts';
import { formatProblem } from '../../../src/config/yaml/problem.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'assay-pool-'));
});

afterEach(() => {
  vi.unstubAllEnvs();
});

const read = (text: string, file = 'c.yaml') => {
  writeFileSync(join(root, file), text);
  return readPool(file, root);
};

/** The pool of a file in which nothing is wrong. */
const poolIn = (text: string, file?: string): Pool => {
  const { pool, problems } = read(text, file);
  expect(problems).toEqual([]);
  return pool!;
};

/** A pool on a few lines: what starts processes, then a node a line. */
const show = ({ executor, slurm, nodes }: Pool): string => {
  const lines = nodes.map(({ name, address: { host, port, user, sshKey }, gpus, labels }) =>
    JSON.stringify([name, host, port, user, sshKey?.replace(`${root}/`, 'ROOT/') ?? null, gpus, labels]),
  );
  return [`${executor} ${JSON.stringify(slurm)}`, ...lines].join('\n');
};

/** What the user reads, in the order of the file; no file with a problem gives a pool. */
const complaint = (text: string, file?: string): string => {
  const { pool, problems } = read(text, file);
  expect(pool).toBeNull();
  const inOrder = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  return inOrder.map((problem) => formatProblem(problem)).join('\n');
};

describe('readPool', () => {
  it('reads a plain list of hosts; their facts are not stated', () => {
    expect(show(poolIn('[n1, root@n2:2222, "root@[fe80::1]:22", fe80::2, me@corp@10.0.0.1]'))).toMatchInlineSnapshot(`
      "ssh null
      ["n1","n1",null,null,null,null,null]
      ["n2","n2",2222,"root",null,null,null]
      ["fe80::1","fe80::1",22,"root",null,null,null]
      ["fe80::2","fe80::2",null,null,null,null,null]
      ["10.0.0.1","10.0.0.1",null,"me@corp",null,null,null]"
    `);
    expect(poolIn('- n1\n- n2.example.org\n')).toEqual({
      executor: 'ssh',
      slurm: null,
      sshConfig: null,
      nodes: ['n1', 'n2.example.org'].map((host) => ({
        name: host,
        address: { host, port: null, user: null, sshKey: null },
        gpus: null,
        labels: null,
      })),
    });
  });

  it('reads a list of hosts with what they share; a host may differ', () => {
    const text = 'hosts: [n1, you@n2:22]\ngpus: 8\nlabels: [mi300x]\nuser: me\nport: 2222\nssh_key: ~/.ssh/key\n';
    expect(show(poolIn(text))).toMatchInlineSnapshot(`
      "ssh null
      ["n1","n1",2222,"me","~/.ssh/key",8,["mi300x"]]
      ["n2","n2",22,"you","~/.ssh/key",8,["mi300x"]]"
    `);
    expect(show(poolIn('hosts: [n1]'))).toMatchInlineSnapshot(`
      "ssh null
      ["n1","n1",null,null,null,null,null]"
    `);
  });

  it('finds files where the cluster file lies', () => {
    expect(poolIn('{hosts: [n1], ssh_config: conf/ssh}').sshConfig).toBe(join(root, 'conf/ssh'));
    expect(poolIn('{hosts: [n1]}').sshConfig).toBeNull();
  });

  it('reads nodes with facts of their own; what is not stated is none', () => {
    const text = `executor: ssh
nodes:
  n2: {ip: 10.0.0.2, port: 2222, user: me, ssh_key: keys/n2, gpus: 8, labels: [mi300x, nvme]}
  n1: {}
`;
    expect(show(poolIn(text))).toMatchInlineSnapshot(`
      "ssh null
      ["n2","10.0.0.2",2222,"me","ROOT/keys/n2",8,["mi300x","nvme"]]
      ["n1","n1",null,null,null,0,[]]"
    `);
  });

  it('reads the options of Slurm, and has them also when the file has none', () => {
    const options = 'slurm: {partition: gpu, account: bench, options: ["--exclusive", "--gres=gpu:8"]}';
    expect(show(poolIn(`executor: slurm\n${options}\nnodes: {n1: {gpus: 8}}`))).toMatchInlineSnapshot(`
      "slurm {"partition":"gpu","account":"bench","options":["--exclusive","--gres=gpu:8"]}
      ["n1","n1",null,null,null,8,[]]"
    `);
    expect(show(poolIn('executor: slurm\nhosts: [n1]'))).toMatchInlineSnapshot(`
      "slurm {"partition":null,"account":null,"options":[]}
      ["n1","n1",null,null,null,null,null]"
    `);
  });

  it.each([
    ['[localhost]', 'local'],
    ['[127.0.0.1]', 'local'],
    ['hosts: ["::1"]\ngpus: 1', 'local'],
    ['nodes: {me: {ip: 127.0.0.1, gpus: 1}}', 'local'],
    ['nodes: {a: {ip: 127.0.0.1}, b: {ip: 127.0.0.2}}', 'local'],
    ['[localhost, n1]', 'ssh'],
    ['[root@localhost]', 'ssh'],
    ['nodes: {a: {ip: 127.0.0.1, port: 2201}, b: {ip: 127.0.0.1, port: 2202}}', 'ssh'],
    ['executor: ssh\nhosts: [localhost]', 'ssh'],
  ])('takes this machine for local unless something points to ssh: %s', (text, executor) => {
    expect(poolIn(text).executor).toBe(executor);
  });

  it('reads JSON, indented with tabs and after a byte order mark', () => {
    const json = '{\n\t"executor": "ssh",\n\t"nodes": {\n\t\t"n1": { "gpus": 8,\t"labels": ["mi300x"] }\n\t}\n}\n';
    const yaml = poolIn('executor: ssh\nnodes: {n1: {gpus: 8, labels: [mi300x]}}');
    expect(poolIn(json, 'c.json')).toEqual(yaml);
    expect(poolIn(`\uFEFF${json}`, 'c.json')).toEqual(yaml);
    expect(poolIn('["n1"]', 'c.json')).toEqual(poolIn('[n1]'));
    expect(complaint('\uFEFF["n1", n2]', 'c.json')).toMatch(/^c\.json:1:8 n2 /);
  });

  it('fills in placeholders', () => {
    vi.stubEnv('ASSAY_TEST_USER', 'me');
    vi.stubEnv('ASSAY_TEST_GPUS', '8');
    const text = 'hosts: [n1]\nuser: ${env:ASSAY_TEST_USER}\ngpus: ${env:ASSAY_TEST_GPUS}\n';
    expect(show(poolIn(text))).toMatchInlineSnapshot(`
      "ssh null
      ["n1","n1",null,"me",null,8,null]"
    `);
  });

  it('keeps the places of JSON with tabs', () => {
    const json = '{\n\t"nodes": {\n\t\t"n1": { "gpus": "8",\t"lables": ["a"] }\n\t}\n}\n';
    expect(complaint(json, 'c.json')).toMatchInlineSnapshot(`
      "c.json:3:12 nodes.n1.gpus: "8" is a string - write 8 without quotes
      c.json:3:25 nodes.n1.lables: unknown field - did you mean \`labels\`?"
    `);
  });
});

describe('a file that is no cluster file', () => {
  it('is not there, or cannot be read', () => {
    const messages = ['nowhere.yaml', '.'].map((file) => readPool(file, root).problems.map(formatProblem).join('\n'));
    expect(messages.join('\n')).toMatchInlineSnapshot(`
      "nowhere.yaml:1:1 there is no such file - correct the path of the cluster file; it is relative to the root of the project
      .:1:1 is a folder - correct the path of the cluster file; it is relative to the root of the project"
    `);
  });

  it('is empty, or no list and no mapping', () => {
    expect(['', '# later\n', '8', 'n1'].map((text) => complaint(text)).join('\n')).toMatchInlineSnapshot(`
      "c.yaml:1:1 is empty - write a list of hosts, \`hosts: [n1, n2]\` with what they share, or \`nodes: {n1: {gpus: 8, labels: [mi300x]}}\`
      c.yaml:1:1 is empty - write a list of hosts, \`hosts: [n1, n2]\` with what they share, or \`nodes: {n1: {gpus: 8, labels: [mi300x]}}\`
      c.yaml:1:1 8 is not a cluster file - write a list of hosts, \`hosts: [n1, n2]\` with what they share, or \`nodes: {n1: {gpus: 8, labels: [mi300x]}}\`
      c.yaml:1:1 "n1" is not a cluster file - write a list of hosts, \`hosts: [n1, n2]\` with what they share, or \`nodes: {n1: {gpus: 8, labels: [mi300x]}}\`"
    `);
  });

  it('is a workload config: that alone is said', () => {
    expect(complaint('framework: vllm\ntopology: {roles: {}}\n')).toMatchInlineSnapshot(
      `"c.yaml:1:1 is a workload config, not a cluster file - name it among the configs; a cluster file has \`nodes\`, \`hosts\` or a list of hosts"`,
    );
  });

  it('is no YAML', () => {
    expect(complaint('hosts: [n1, n2\n')).toMatchInlineSnapshot(`"c.yaml:1:8 this [ is not closed - close it with ]"`);
    expect(complaint('nodes:\n  n1: {}\n  n1: {}\n')).toMatchInlineSnapshot(
      `"c.yaml:3:3 nodes.n1: is already written in line 2 - keep one of the two"`,
    );
  });

  it('is no JSON, although it would be YAML', () => {
    const texts = [
      '{\n\t// nodes\n\t"nodes": {"n1": {}}}',
      '{"hosts": ["n1"] # all\n}',
      '{\n\t"hosts": [\n\t\t"n1",\n\t]\n}',
      "{'hosts': ['n1']}",
      '{"hosts": [n1]}',
      'hosts: ["n1"]',
      '{"hosts": ["n1"]',
      '{"hosts": ["n1"], "hosts": ["n2"]}',
    ];
    expect(texts.map((text) => complaint(text, 'c.json')).join('\n')).toMatchInlineSnapshot(`
      "c.json:2:2 JSON has no comments - remove it, or name the file *.yaml
      c.json:1:18 JSON has no comments - remove it, or name the file *.yaml
      c.json:3:7 a comma before the closing bracket - remove it
      c.json:1:2 'hosts' is not JSON - put names and texts in double quotes, or name the file *.yaml
      c.json:1:12 n1 is not JSON - put names and texts in double quotes, or name the file *.yaml
      c.json:1:1 hosts is not JSON - put names and texts in double quotes, or name the file *.yaml
      c.json:1:1 this { is not closed - close it with }
      c.json:1:20 hosts: is already written in line 1 - keep one of the two"
    `);
  });
});

describe('a cluster file with a mistake', () => {
  it('names no node', () => {
    const texts = ['[]', 'hosts: []', 'nodes: {}', '{}', 'executor: ssh', 'n1: {gpus: 8}'];
    expect(texts.map((text) => complaint(text)).join('\n')).toMatchInlineSnapshot(`
      "c.yaml:1:1 [] is not accepted - name at least one host
      c.yaml:1:1 hosts: [] is not accepted - name at least one host
      c.yaml:1:1 nodes: {} is not accepted - name at least one node
      c.yaml:1:1 names no node - write a list of hosts, \`hosts: [n1, n2]\` with what they share, or \`nodes: {n1: {gpus: 8, labels: [mi300x]}}\`
      c.yaml:1:1 names no node - write a list of hosts, \`hosts: [n1, n2]\` with what they share, or \`nodes: {n1: {gpus: 8, labels: [mi300x]}}\`
      c.yaml:1:1 names no node - write a list of hosts, \`hosts: [n1, n2]\` with what they share, or \`nodes: {n1: {gpus: 8, labels: [mi300x]}}\`
      c.yaml:1:1 n1: unknown field - remove it; see \`assay schema\`"
    `);
  });

  it('misspells a field: one sentence each, with the nearest name', () => {
    const texts = ['node: {n1: {}}', 'hosts: [n1]\nlabel: [a]', 'nodes: {n1: {gpu: 8}}', 'hosts: [n1]\nslurn: {}'];
    expect(texts.map((text) => complaint(text)).join('\n')).toMatchInlineSnapshot(`
      "c.yaml:1:1 node: unknown field - did you mean \`nodes\`?
      c.yaml:2:1 label: unknown field - did you mean \`labels\`?
      c.yaml:1:14 nodes.n1.gpu: unknown field - did you mean \`gpus\`?
      c.yaml:2:1 slurn: unknown field - did you mean \`slurm\`?"
    `);
  });

  it('gives roles, on top or under a node', () => {
    const text = 'roles: {server: {count: 1}}\ntopology: {roles: {}}\nnodes:\n  n1: {role: prefill}\n';
    expect(complaint(text)).toMatchInlineSnapshot(`
      "c.yaml:1:1 roles: a cluster file names nodes only - move roles to \`topology:\` of the workload's config; nodes are picked by their labels and GPUs
      c.yaml:2:1 topology: a cluster file names nodes only - move roles to \`topology:\` of the workload's config; nodes are picked by their labels and GPUs
      c.yaml:4:8 nodes.n1.role: a cluster file names nodes only - move roles to \`topology:\` of the workload's config; nodes are picked by their labels and GPUs"
    `);
  });

  it('mixes the forms', () => {
    expect(complaint('nodes: {n1: {}}\nhosts: [n2]\ngpus: 8\nuser: me\n')).toMatchInlineSnapshot(`
      "c.yaml:2:1 hosts: does not stand beside \`nodes\` - name every machine under \`nodes\`
      c.yaml:3:1 gpus: does not stand beside \`nodes\` - write it under each node
      c.yaml:4:1 user: does not stand beside \`nodes\` - write it under each node"
    `);
    expect(complaint('nodes: [n1, n2]')).toMatchInlineSnapshot(
      `"c.yaml:1:1 nodes: is a list - write \`hosts:\` for a list of names, or a mapping such as \`nodes: {n1: {gpus: 8}}\`"`,
    );
    expect(complaint('nodes:\n  n1:\n  n2: 8\n')).toMatchInlineSnapshot(`
      "c.yaml:2:3 nodes.n1: says nothing - write what is true of the node, e.g. \`n1: {gpus: 8}\`
      c.yaml:3:3 nodes.n2: 8 is not a node - write what is true of the node, e.g. \`n2: {gpus: 8}\`"
    `);
    expect(complaint('- n1: 22\n- {ip: n2, gpus: 8}\n')).toMatchInlineSnapshot(`
      "c.yaml:1:3 [0]: {"n1":22} is not a host name - write what is true of a single node under \`nodes:\`, e.g. \`nodes: {n1: {gpus: 8}}\`
      c.yaml:2:3 [1]: {"ip":"n2","gpus":8} is not a host name - write what is true of a single node under \`nodes:\`, e.g. \`nodes: {n1: {gpus: 8}}\`"
    `);
  });

  it('names what is no host', () => {
    const hosts = ['10', '"10"', '"-oProxyCommand=x"', 'n1:', 'n1:0', 'n1:65536', '10.0.0.256', 'a b', '../n1'];
    const more = ['"[n1]:22"', '"[1::2::3]"', '"@n1"', '"-x@n1"'];
    expect(complaint([...hosts, ...more].map((host) => `- ${host}\n`).join(''))).toMatchInlineSnapshot(`
      "c.yaml:1:3 [0]: 10 is a number - write host, user@host, host:port or user@[v6]:port
      c.yaml:2:4 [1]: "10" is not accepted - write a host name or an IP address
      c.yaml:3:4 [2]: "-oProxyCommand=x" is not accepted - write host, user@host, host:port or user@[v6]:port
      c.yaml:4:3 [3]: {"n1":null} is not a host name - write what is true of a single node under \`nodes:\`, e.g. \`nodes: {n1: {gpus: 8}}\`
      c.yaml:5:3 [4]: "n1:0" is not accepted - write a port from 1 to 65535
      c.yaml:6:3 [5]: "n1:65536" is not accepted - write a port from 1 to 65535
      c.yaml:7:3 [6]: "10.0.0.256" is not accepted - write a host name or an IP address
      c.yaml:8:3 [7]: "a b" is not accepted - write host, user@host, host:port or user@[v6]:port
      c.yaml:9:3 [8]: "../n1" is not accepted - write host, user@host, host:port or user@[v6]:port
      c.yaml:10:4 [9]: "[n1]:22" is not accepted - write host, user@host, host:port or user@[v6]:port
      c.yaml:11:4 [10]: "[1::2::3]" is not accepted - write a host name or an IP address
      c.yaml:12:4 [11]: "@n1" is not accepted - write host, user@host, host:port or user@[v6]:port
      c.yaml:13:4 [12]: "-x@n1" is not accepted - write host, user@host, host:port or user@[v6]:port"
    `);
  });

  it('gives a node what does not fit it', () => {
    const text = `nodes:
  a: {port: 0, user: -x, ssh_key: "", gpus: -1, labels: [mi300x nvme]}
  b: {ip: 10.0.0.1:22, port: 65536, gpus: "8"}
  9: {}
  me@d: {}
`;
    expect(complaint(text)).toMatchInlineSnapshot(`
      "c.yaml:2:7 nodes.a.port: 0 is not accepted - write a port from 1 to 65535
      c.yaml:2:16 nodes.a.user: "-x" is not accepted - write a user name
      c.yaml:2:26 nodes.a.ssh_key: "" is not accepted - write the path of a private key
      c.yaml:2:39 nodes.a.gpus: -1 is not accepted - write the number of GPUs, 0 for none
      c.yaml:2:58 nodes.a.labels[0]: "mi300x nvme" is not accepted - write a label without blanks and commas
      c.yaml:3:7 nodes.b.ip: "10.0.0.1:22" is not accepted - write a host name or an IP address
      c.yaml:3:24 nodes.b.port: 65536 is not accepted - write a port from 1 to 65535
      c.yaml:3:37 nodes.b.gpus: "8" is a string - write 8 without quotes
      c.yaml:4:3 nodes.9: "9" is not accepted as the name of a node - a name is a host name or an IP address; port and user are fields of the node
      c.yaml:5:3 nodes.me@d: "me@d" is not accepted as the name of a node - a name is a host name or an IP address; port and user are fields of the node"
    `);
  });

  it('has a placeholder that nothing fills: one sentence each, whatever the field would say', () => {
    const text =
      'nodes:\n  n1: {ip: <changeme>, user: "${env:ASSAY_TEST_UNSET}", gpus: 8, ssh_key: ""}\n  <changeme>: {}\n';
    expect(complaint(text)).toMatchInlineSnapshot(`
      "c.yaml:2:8 nodes.n1.ip: "<changeme>" is still to be filled in - write your value instead of <changeme>
      c.yaml:2:24 nodes.n1.user: ASSAY_TEST_UNSET is not set in the environment - export ASSAY_TEST_UNSET=..., or write the value
      c.yaml:2:66 nodes.n1.ssh_key: "" is not accepted - write the path of a private key
      c.yaml:3:3 nodes.<changeme>: is still to be filled in - write the name of the field"
    `);
  });

  it('names a machine twice', () => {
    expect(complaint('[n1, me@N1, n1:2222, localhost, 127.0.0.1]')).toMatchInlineSnapshot(`
      "c.yaml:1:6 [1]: N1 is named already - remove it
      c.yaml:1:13 [2]: n1 is named already - give each of the two its own name: \`nodes: {a: {ip: n1, port: 2201}, b: ...}\`
      c.yaml:1:33 [4]: 127.0.0.1, port 22, is node localhost already - remove one of the two, or correct its ip or port"
    `);
    const nodes = 'a: {ip: 10.0.0.1}\n  b: {ip: 10.0.0.1, port: 22}\n  c: {ip: 10.0.0.1, port: 23}\n  A: {ip: a}';
    expect(complaint(`nodes:\n  ${nodes}\n`)).toMatchInlineSnapshot(`
      "c.yaml:3:3 nodes.b: 10.0.0.1, port 22, is node a already - remove one of the two, or correct its ip or port
      c.yaml:5:3 nodes.A: A is named already - give each of the two its own name: \`nodes: {a: {ip: n1, port: 2201}, b: ...}\`"
    `);
  });

  it('wants executor local on another machine, or with what only ssh uses', () => {
    const text = 'executor: local\nnodes:\n  n1: {gpus: 8}\n  me: {ip: 127.0.0.1, port: 22, user: me}\n';
    expect(complaint(text)).toMatchInlineSnapshot(`
      "c.yaml:3:3 nodes.n1: n1 is not this machine, and executor local reaches no other - write \`executor: ssh\`, or remove the node
      c.yaml:4:3 nodes.me: executor local has no use for port, user - write \`executor: ssh\`, or remove it"
    `);
  });

  it('wants an executor that does not exist, and nothing is said of what depends on it', () => {
    expect(complaint('executor: slrum\nhosts: [n1]\nslurm: {}\n')).toMatchInlineSnapshot(
      `"c.yaml:1:1 executor: "slrum" is not accepted - did you mean "slurm"?"`,
    );
  });

  it('has options of Slurm that are not used, or not known', () => {
    expect(complaint('hosts: [n1]\nslurm: {partion: gpu, options: [exclusive]}\n')).toMatchInlineSnapshot(`
      "c.yaml:2:1 slurm: has no effect with executor ssh - write \`executor: slurm\`, or remove it
      c.yaml:2:9 slurm.partion: unknown field - did you mean \`partition\`?
      c.yaml:2:33 slurm.options[0]: "exclusive" is not accepted - write an option of sbatch, which starts with -"
    `);
  });

  it('hides no mistake behind another', () => {
    const text =
      'executor: local\nport: 70000\nhosts: [n1, n2, "-x", n2]\nlabel: [a]\nroles: {}\nslurm: {options: [x]}\n';
    expect(complaint(text)).toMatchInlineSnapshot(`
      "c.yaml:2:1 port: 70000 is not accepted - write a port from 1 to 65535
      c.yaml:3:9 hosts[0]: n1 is not this machine, and executor local reaches no other - write \`executor: ssh\`, or remove the node
      c.yaml:3:13 hosts[1]: n2 is not this machine, and executor local reaches no other - write \`executor: ssh\`, or remove the node
      c.yaml:3:18 hosts[2]: "-x" is not accepted - write host, user@host, host:port or user@[v6]:port
      c.yaml:3:23 hosts[3]: n2 is named already - remove it
      c.yaml:3:23 hosts[3]: n2 is not this machine, and executor local reaches no other - write \`executor: ssh\`, or remove the node
      c.yaml:4:1 label: unknown field - did you mean \`labels\`?
      c.yaml:5:1 roles: a cluster file names nodes only - move roles to \`topology:\` of the workload's config; nodes are picked by their labels and GPUs
      c.yaml:6:1 slurm: has no effect with executor local - write \`executor: slurm\`, or remove it
      c.yaml:6:19 slurm.options[0]: "x" is not accepted - write an option of sbatch, which starts with -"
    `);
  });
});

describe('poolFileSchema', () => {
  it('is a JSON Schema of the three forms', () => {
    const { anyOf } = z.toJSONSchema(poolFileSchema, { io: 'input' }) as {
      anyOf: { type: string; required?: string[]; items?: { pattern: string } }[];
    };
    expect(anyOf.map(({ type, required }) => [type, required])).toEqual([
      ['array', undefined],
      ['object', ['hosts']],
      ['object', ['nodes']],
    ]);
    const host = new RegExp(anyOf[0]!.items!.pattern, 'u');
    expect(['n1', 'me@n1:22', 'me@[::1]:22', '::1', '-x'].map((text) => host.test(text))).toEqual([
      true,
      true,
      true,
      true,
      false,
    ]);
  });

  it('accepts what is read, as far as one field tells', () => {
    expect(poolFileSchema.safeParse(['me@n1:22', '[::1]:22']).success).toBe(true);
    expect(poolFileSchema.safeParse({ hosts: ['n1'], gpus: 8 }).success).toBe(true);
    expect(poolFileSchema.safeParse({ nodes: { n1: { gpus: 8 } }, executor: 'slurm', slurm: {} }).success).toBe(true);
    expect(poolFileSchema.safeParse({ nodes: { n1: {} }, hosts: ['n2'] }).success).toBe(false);
    expect(poolFileSchema.safeParse(['n1:']).success).toBe(false);
  });
});
