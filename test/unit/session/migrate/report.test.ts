import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isReport, reportText } from '../../../../src/session/migrate/report.ts';
import { migrate } from './migrated.ts';

const FIXTURES = new URL('../../../../fixtures/legacy', import.meta.url).pathname;
const files = migrate([FIXTURES], { userId: null, gpusPerNode: null });
const named = (name: string) => files.filter(({ file }) => basename(file) === `${name}.json`);
const [single, atom, cluster] = [
  named('mi300x_vllm_tiny_distributed'),
  named('mi300x_atom_tiny_single'),
  named('cluster'),
];
const broken = {
  ...cluster[0]!,
  file: 'a|b`c.json',
  state: 'refused' as const,
  why: 'a|b`c.json:1:1 is no JSON: <\n|',
};

describe('the report', () => {
  it('has what is to be filled in, then every file, then what is not in the configs', () => {
    expect(reportText([...single, ...atom, ...cluster, broken])).toMatchInlineSnapshot(`
      "# Migration report

      ## Fill in first (2)

      | place in the YAML | value | legacy field |
      | --- | --- | --- |
      | \`inference/mi300x_vllm_tiny_distributed.yaml:15 container.image\` | \`<changeme>\` | \`fixtures/legacy/inference/mi300x_vllm_tiny_distributed.json\` \`container.image\` |
      | \`inference/mi300x_vllm_tiny_distributed.yaml:16 container.mounts[0]\` | \`<changeme-models>:/models:ro\` | \`fixtures/legacy/inference/mi300x_vllm_tiny_distributed.json\` \`container.runtime.args.volumes[0]\` |

      ## Legacy files

      | legacy file | configs | cells carried | cells reported | thresholds carried | thresholds dropped (could not fail) | thresholds reported | why nothing was written |
      | --- | --- | --- | --- | --- | --- | --- | --- |
      | \`\` a\\|b\`c.json \`\` | - | - | - | - | - | - | a\\|b\`c.json:1:1 is no JSON: &lt; \\| |
      | \`fixtures/legacy/cluster.json\` | - | - | - | - | - | - | no legacy config |
      | \`fixtures/legacy/inference/mi300x_atom_tiny_single.json\` | 0 | 0 | 2 | 0 | 1 | 2 | there is no adapter for atom (keep it with the legacy suite, or write an adapter (docs/architecture.md)) |
      | \`fixtures/legacy/inference/mi300x_vllm_tiny_distributed.json\` | 1 | 1 | 0 | 0 | 0 | 0 |  |
      | all | 1 | 1 | 2 | 0 | 1 | 2 |  |

      ## \`fixtures/legacy/inference/mi300x_atom_tiny_single.json\`

      ### Cells

      | legacy cell | cell | why not |
      | --- | --- | --- |
      | \`ISL=1024,OSL=1024,CONC=128\` | - | no adapter for atom |
      | \`ISL=1024,OSL=1024,CONC=256\` | - | no adapter for atom |

      ### Thresholds not carried

      | metric | outcome | why | what to do | where |
      | --- | --- | --- | --- | --- |
      | \`client.output_throughput\` | reported | there is no adapter for atom | keep it with the legacy suite, or write an adapter (docs/architecture.md) | \`fixtures/legacy/inference/mi300x_atom_tiny_single_threshold.json\` \`["ISL=1024,OSL=1024,TP=8,CONC=128"]["client.output_throughput"]\` = \`5\`<br>\`fixtures/legacy/inference/mi300x_atom_tiny_single_threshold.json\` \`["ISL=1024,OSL=1024,TP=8,CONC=256"]["client.output_throughput"]\` = \`6\` |
      | \`client.mean_ttft_ms\` | dropped | info only records, it never fails | set a bound that can fail, if it matters | \`fixtures/legacy/inference/mi300x_atom_tiny_single_threshold.json\` \`["ISL=1024,OSL=1024,TP=8,CONC=128"]["client.mean_ttft_ms"]\` = \`1\` |

      ## \`fixtures/legacy/inference/mi300x_vllm_tiny_distributed.json\`

      - \`inference/mi300x_vllm_tiny_distributed.yaml\`

      ### Cells

      | legacy cell | cell | why not |
      | --- | --- | --- |
      | \`ISL=1024,OSL=1024,CONC=16\` | \`mi300x_vllm_tiny_distributed/w_1k_1k-conc16\` |  |

      ### Carried as something else

      | legacy field | value | why | what to do |
      | --- | --- | --- | --- |
      | \`paths.hf_token_file\` | \`/secrets/hf\` | a secret comes from an environment variable here, not from a file | export HF_TOKEN="$(cat /secrets/hf)" before a run |
      | \`enforce_thresholds\` | - | the legacy file does not say whether thresholds are enforced: enforce is false | set enforce: true when the thresholds are right |

      ### Not carried

      | legacy field | value | why | what to do |
      | --- | --- | --- | --- |
      | \`threshold_json\` | \`<changeme>\` | names no file that is there | write the thresholds by hand |
      | \`roles.server.ib_netdev\` | \`<changeme>\` | a network device of the old cluster | set NCCL_IB_HCA and the like under container.env |
      | \`params.master_addr\` | \`<changeme>\` | the binding says it, run by run | name the nodes in the cluster file |
      "
    `);
  });

  it('is the same whether files are migrated at once or one after the other, again, or in another order', () => {
    const whole = reportText(files);
    const inTurn = (order: typeof files) => order.reduce((earlier, file) => reportText([file], earlier), '');
    expect(inTurn(files)).toBe(whole);
    expect(inTurn([...files, ...files.toReversed()])).toBe(whole);
  });

  it('says of a file what the last migration says, and of others what it said before', () => {
    const before = reportText([...single, ...atom, broken]);
    const mended = { ...atom[0]!, file: broken.file };
    expect(reportText([mended], before)).toBe(reportText([...single, ...atom, mended]));
  });

  it('keeps sections of a reader, and tables that an editor lined up', () => {
    const report = reportText(single);
    const [top = '', sections] = report.split(/(?=\n## `)/);
    const linedUp = top.replaceAll(' | ', '   |  ');
    const edited = `${linedUp}${sections}\n## Notes\n\nask lab\n`.replaceAll('\n', '\r\n');
    const [notes, ...others] = reportText(atom, edited).split('\n## Notes\n\nask lab\n').toReversed();
    expect(others).toHaveLength(1);
    expect(`${others[0]}${notes}`).toBe(reportText([...single, ...atom]));
  });

  it.each([
    [reportText(single), true],
    ['# Notes\n', false],
    ['', false],
  ])('tells a report from other files', (text, is) => expect(isReport(text)).toBe(is));
});
