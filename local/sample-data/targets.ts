// Where sample data is written to.

export interface ElasticsearchTarget {
  /** `http://127.0.0.1:9200` */
  readonly address: string;
}

export interface CassandraTarget {
  readonly contactPoints: readonly string[];
  readonly port: number;
  readonly localDataCenter: string;
}

export interface Targets {
  readonly elasticsearch: ElasticsearchTarget;
  readonly cassandra: CassandraTarget;
}
