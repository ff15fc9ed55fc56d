{{/* Reports the first value that does not fit the others. values.schema.json checks each value on its own. */}}
{{- define "dais.checks" -}}
{{- $values := .Values -}}
{{- $config := $values.config -}}
{{- $roles := $values.roles -}}
{{- $keysType := dig "keys" "type" "file" $config -}}
{{- $blobsType := dig "blobs" "type" "fs" $config -}}
{{- if not $values.profile -}}
{{- fail "\n\nThe value `profile` is not set. Use a profile of the chart: -f values-trial.yaml for a trial in one pod, or -f values-production.yaml for an external PostgreSQL and an object store.\n" -}}
{{- end -}}
{{- if eq $values.image.tag "latest" -}}
{{- fail "\n\n`image.tag` is `latest`, so that pods of one release could have different versions. Set a version, or `image.digest`.\n" -}}
{{- end -}}
{{- if eq $values.profile "trial" -}}
  {{- if $values.database.secret.name -}}
    {{- fail "\n\nThe profile `trial` has its own PostgreSQL, but `database.secret.name` names another one. Remove `database.secret.name`, or use -f values-production.yaml.\n" -}}
  {{- end -}}
  {{- range $role := list "api" "controller" "gateway" "worker" -}}
    {{- if gt (int (get $roles $role).replicas) 0 -}}
      {{- fail (printf "\n\nThe profile `trial` has its own PostgreSQL, which only one pod can use, but `roles.%s.replicas` is %d. Set it to 0, or use -f values-production.yaml.\n" $role (int (get $roles $role).replicas)) -}}
    {{- end -}}
  {{- end -}}
  {{- if ne (int $roles.all.replicas) 1 -}}
    {{- fail (printf "\n\nThe profile `trial` has its own PostgreSQL, which only one pod can use, but `roles.all.replicas` is %d. Set it to 1, or use -f values-production.yaml.\n" (int $roles.all.replicas)) -}}
  {{- end -}}
  {{- if not $roles.all.persistence.enabled -}}
    {{- fail "\n\nThe profile `trial` stores its database in the data folder. Set `roles.all.persistence.enabled: true`, so that it outlives the pod.\n" -}}
  {{- end -}}
  {{- if $values.backup.enabled -}}
    {{- fail "\n\n`backup` reads an external database, and the one of the profile `trial` is in its pod. Set `backup.enabled: false`, and back up in the pod: kubectl exec POD -- dais admin backup FOLDER\n" -}}
  {{- end -}}
{{- else -}}
  {{- if not $values.database.secret.name -}}
    {{- fail "\n\nThe profile `production` needs an external PostgreSQL. Create a Secret with its URL, and set `database.secret.name`: kubectl create secret generic dais-database --from-literal=url=postgres://…\n" -}}
  {{- end -}}
  {{- if eq $blobsType "fs" -}}
    {{- fail "\n\nThe pods of the profile `production` share their content in an object store, but `config.blobs.type` is `fs`. Set it to `s3`, `azure` or `gcs`: config.blobs: {type: s3, bucket: dais-content, region: eu-central-1}\n" -}}
  {{- end -}}
  {{- if eq $keysType "file" -}}
    {{- fail "\n\nThe pods of the profile `production` share the keys that encrypt secrets, but `config.keys.type` is `file`. Set it to `env` with a Secret in `keys.secret.name`, or to a key service: `kms`, `vault`, `vault-kv`, `google-kms`, `azure-key-vault`.\n" -}}
  {{- end -}}
  {{- if dig "database" "archive" dict $config -}}
    {{- fail "\n\n`config.database.archive` is for the database of the profile `trial`. Remove it, and use the backup tools of your PostgreSQL.\n" -}}
  {{- end -}}
  {{- if not (dig "publicUrl" "" $config) -}}
    {{- fail "\n\nSet `config.publicUrl` to the URL under which people reach Dais: https://dais.example.com\n" -}}
  {{- end -}}
  {{- if not (or (gt (int $roles.all.replicas) 0) (gt (int $roles.api.replicas) 0)) -}}
    {{- fail "\n\nNo pod serves the API. Set `roles.api.replicas` or `roles.all.replicas` to 1 or more.\n" -}}
  {{- end -}}
  {{- if not (or (gt (int $roles.all.replicas) 0) (gt (int $roles.controller.replicas) 0)) -}}
    {{- fail "\n\nNo pod runs background work. Set `roles.controller.replicas` or `roles.all.replicas` to 1 or more.\n" -}}
  {{- end -}}
{{- end -}}
{{- if not (or $values.tls.secretName (dig "trustedProxies" list $config) (dig "insecureHttp" false $config)) -}}
{{- fail "\n\nPasswords would cross the network unencrypted. Set `tls.secretName` for TLS in the pods, or `config.trustedProxies` to the addresses of the proxy that terminates TLS, for example the pod network of the ingress controller. `config.insecureHttp: true` accepts the risk.\n" -}}
{{- end -}}
{{- if and $values.tls.caKey (not $values.tls.secretName) -}}
{{- fail "\n\n`tls.caKey` is a key of the Secret of the certificate, but there is none. Set `tls.secretName`, or remove `tls.caKey`. For a certificate of a proxy, set `config.executions.agentCa` to a file of `caBundle`: /etc/dais/ca/ca.crt\n" -}}
{{- end -}}
{{- if and (eq $keysType "env") (not $values.keys.secret.name) -}}
{{- fail "\n\n`config.keys.type: env` needs a Secret with the keys. Create it, and set `keys.secret.name`: kubectl create secret generic dais-keys --from-literal=keys=k1:\"$(openssl rand -base64 32)\"\n" -}}
{{- end -}}
{{- if and $values.keys.secret.name (ne $keysType "env") -}}
{{- fail (printf "\n\n`keys.secret.name` is for `config.keys.type: env`, and the type is `%s`. Remove one of them.\n" $keysType) -}}
{{- end -}}
{{- if and $values.blobs.secret.name (ne $blobsType "s3") -}}
{{- fail (printf "\n\n`blobs.secret.name` has access keys for S3, and `config.blobs.type` is `%s`. Remove it; `secretVariables` can set DAIS_BLOBS_ACCOUNT_KEY or DAIS_BLOBS_SAS_TOKEN for Azure.\n" $blobsType) -}}
{{- end -}}
{{- if and (eq $values.nodes.join "token") (not $values.nodes.joinToken.secret) -}}
{{- fail "\n\n`nodes.join: token` needs a Secret with the token in `nodes.joinToken.secret`. Create a token: dais admin create-node-token --uses 100 --expires-in 7d\n" -}}
{{- end -}}
{{- if and $values.caBundle.configMap $values.caBundle.secret -}}
{{- fail "\n\n`caBundle.configMap` and `caBundle.secret` are both set. Remove one of them.\n" -}}
{{- end -}}
{{- if and $values.ingress.enabled $values.httpRoute.enabled -}}
{{- fail "\n\n`ingress.enabled` and `httpRoute.enabled` are both true. Set one of them to false.\n" -}}
{{- end -}}
{{- if and (or $values.ingress.enabled $values.httpRoute.enabled) (not (dig "publicUrl" "" $config)) -}}
{{- fail "\n\nThe host of an Ingress or HTTPRoute is that of `config.publicUrl`. Set it: https://dais.example.com\n" -}}
{{- end -}}
{{- if and $values.httpRoute.enabled (not $values.httpRoute.parentRefs) -}}
{{- fail "\n\n`httpRoute` needs the Gateway that it belongs to: httpRoute.parentRefs: [{name: public, namespace: gateways}]\n" -}}
{{- end -}}
{{- if and $values.networkPolicy.enabled (or $values.ingress.enabled $values.httpRoute.enabled) (not $values.networkPolicy.clients) -}}
{{- fail "\n\n`networkPolicy` refuses the ingress controller. Name its pods: networkPolicy.clients: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress-nginx}}}]\n" -}}
{{- end -}}
{{- if and $values.networkPolicy.enabled $values.metrics.serviceMonitor.enabled (not $values.networkPolicy.metrics) -}}
{{- fail "\n\n`networkPolicy` refuses Prometheus. Name its pods: networkPolicy.metrics: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]\n" -}}
{{- end -}}
{{- if and $values.metrics.serviceMonitor.enabled (not $values.metrics.serviceMonitor.token.secret) -}}
{{- fail "\n\nPrometheus needs a token with the permission metrics:read. Create it (dais token create scrape --service-account prometheus --scope metrics:read), store it in a Secret, and set `metrics.serviceMonitor.token.secret`.\n" -}}
{{- end -}}
{{- if and $values.rbac.create (eq $values.rbac.mode "namespaced") (not $values.rbac.namespaces) -}}
{{- fail "\n\n`rbac.mode: namespaced` needs the namespaces in which Dais may run pods: rbac.namespaces: [dais-training]\n" -}}
{{- end -}}
{{- if and $roles.worker.drain.secret $roles.worker.persistence.enabled -}}
{{- fail "\n\nA drained node stays drained when its pod restarts on the same volume. Remove `roles.worker.drain.secret`, or set `roles.worker.persistence.enabled: false`.\n" -}}
{{- end -}}
{{- if and (not $values.serviceAccounts.create) (not $values.serviceAccounts.name) -}}
{{- fail "\n\n`serviceAccounts.create` is false. Name an existing service account in `serviceAccounts.name`.\n" -}}
{{- end -}}
{{- range $role := list "api" "gateway" -}}
{{- $own := get $roles $role -}}
{{- if and $own.autoscaling.enabled (gt (int $own.autoscaling.minReplicas) (int $own.autoscaling.maxReplicas)) -}}
{{- fail (printf "\n\n`roles.%s.autoscaling.minReplicas` is above `maxReplicas`. Lower one, or raise the other.\n" $role) -}}
{{- end -}}
{{- end -}}
{{- end -}}
