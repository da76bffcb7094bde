"""Words that tell how hard a task is, by theme, in English, Japanese and Chinese; found in one pass over the words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_WRITTEN: Mapping[str, str] = {
    "design": """
        architect* system_design distributed consensus replicat* consisten* scalab* scaling high_availability
        fault-toler* fault_toler* microservice* multi-tenant multi-region concurren* thread-safe thread_safe deadlock*
        race_condition parallel* lock-free transaction* isolation_level kernel compiler* interpreter* virtual_machine
        garbage_collect optimi* performan* latency throughput migrat* protocol* rollback zero_downtime security secure
        securely vulnerab* threat_model cryptograph* encrypt* decrypt* prove proof proofs theorem* np-hard
        machine_learning neural deep_learning full-stack full_stack legacy sharding idempoten* observab* kubernetes
        domain_specific type_system reactive large-scale artificial_intelligence server-side
        アーキテクチャ 設計 セキュリティ 脆弱 並行 並列 分散 最適化 性能 排他 暗号 大規模 移行 証明 冗長 可用性 整合性
        スケーラ トランザクション 機械学習 レガシー
        架构 架構 设计 安全 漏洞 并发 並發 分布式 分散式 优化 優化 加密 迁移 遷移 高可用 一致性 事务 机器学习 证明 證明
        """,
    "outside": """
        api apis database* sql nosql oauth login log_in sign_in sign_up signup registration account accounts
        authenticat* authoriz* websocket* web_socket real-time realtime server servers backend back-end payment*
        checkout webhook* email emails e-mail notification* upload* scrape scraping crawler* bot bots chatbot* cloud
        docker deploy* geolocation camera microphone speech third-party third_party web_service endpoint* persist*
        multi-user session sessions rest restful graphql broker queue queues extension android ios mobile
        データベース 外部 連携 ログイン 認証 サーバ 決済 通知 アップロード リアルタイム クラウド デプロイ 非同期
        数据库 資料庫 登录 登錄 认证 認證 服务器 伺服器 支付 通知 上传 上傳 实时 即時 部署 第三方 接口 异步 集成
        """,
    "state": """
        game games multiplayer player players simulat* animat* drag drag-and-drop undo redo collision* physics canvas
        render* editor schedul* timeline engine opponent* leaderboard* state_machine workflow* turn-based history clone
        cach* rate_limit synchroni* offline
        ゲーム シミュレ アニメーション 状態 キャッシュ 同期 スケジュール 履歴
        游戏 遊戲 模拟 模擬 动画 動畫 状态 狀態 缓存 快取 同步 调度 编辑器
        """,
    "structure": """
        tree trees graph graphs node nodes shortest optimal minimi* maximi* permut* combination* recurs* backtrack*
        dynamic_programming matrices cipher* parse parser parsers parses parsing grammar* evaluat* stack linked_list
        buffer* algorithm* traversal operator* expression* propagat* callback* immutab* iterator* modulo polynomial*
        probabilit* puzzle* deduc* constraint* coprime bitwise encoding decoding regular_expression fewest hierarch*
        refactor* integrat* validat* async* generics invariant* test tests debug* bug bugs implement*
        アルゴリズム 再帰 木構造 グラフ 構文解析 最短 探索 動的計画 行列 確率 正規表現 リファクタ 検証 解析 テスト 実装
        算法 递归 遞迴 二叉树 图论 最短 搜索 动态规划 矩阵 概率 正则 重构 重構 验证 解析 测试 測試 实现 實現
        """,
    "reasoning": """
        step_by_step analy* compare comparing comparison derive justify reason_about trade-off* tradeoff* evaluate
        root_cause investigat* estimate pros_and_cons implications hypothes*
        段階的 分析 比較 導出 根拠 原因 検討 考察
        逐步 分析 比较 比較 推导 推導 论证 原因 权衡 權衡
        """,
    "small": """
        simple simply typo typos spelling formatting translate translation rename summari* summary hello greeting
        one-liner brief briefly trivial basic basics beginner* easy easily quick quickly capitali* convert converts
        converting lyrics fundamental* introductory reverse what_is define short list_the color colors colour*
        toggle static
        簡単 誤字 整形 翻訳 要約 名前を変 一言 短く 初心者 基本
        简单 簡單 错别字 格式化 翻译 翻譯 总结 總結 概括 改名 简短 基础 初学
        """,
    "roles": """
        admin administrator* customer customers owner owners member members visitor visitors guest guests manager
        managers moderator* coordinator* seller sellers buyer buyers tenant tenants
        管理者 顧客 会員 利用者 管理员 管理員 客户 顾客 会员
        """,
}
THEMES: Sequence[str] = tuple(_WRITTEN)
_PREFIX = 4

_WHOLE: dict[str, list[str]] = {}
_BEGUN: dict[str, list[tuple[str, str]]] = {}
_SAID: list[tuple[str, str]] = []
_DRAWN: list[tuple[str, str]] = []
for _theme, _words in _WRITTEN.items():
    for _word in _words.split():
        if not _word.isascii():
            _DRAWN.append((_word, _theme))
        elif "_" in _word:
            _SAID.append((_word.replace("_", " "), _theme))
        elif _word.endswith("*"):
            _BEGUN.setdefault(_word[:_PREFIX], []).append((_word[:-1], _theme))
        else:
            _WHOLE.setdefault(_word, []).append(_theme)

_LATIN = re.compile(r"[a-z][a-z-]+")


def latin_words(text: str) -> list[str]:
    """The words of a text in lower case, as far as they are written in Latin letters."""
    return _LATIN.findall(text)


def themes(text: str, words: Sequence[str]) -> dict[str, int]:
    """How many different words of each theme the text has; it is in lower case, `words` are its Latin ones."""
    found: dict[str, set[str]] = {theme: set() for theme in THEMES}
    for word in set(words):
        for theme in _WHOLE.get(word, ()):
            found[theme].add(word.rstrip("s"))
        for begun, theme in _BEGUN.get(word[:_PREFIX], ()):
            if word.startswith(begun):
                found[theme].add(begun)
    for said, theme in _SAID:
        if said in text:
            found[theme].add(said)
    if not text.isascii():
        letters = set(text)
        for drawn, theme in _DRAWN:
            if drawn[0] in letters and drawn in text:
                found[theme].add(drawn)
    return {theme: len(words) for theme, words in found.items()}
